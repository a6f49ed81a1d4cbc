import { type ExitCode, exitCodes } from './exit-codes.ts';

/** Something that runs and can be asked to end. */
export interface Stoppable {
  /** Serves what is there to serve, then ends. */
  drain(): Promise<void>;
  close(): Promise<void>;
  /** Resolves when somebody asks for that by another way than a signal. */
  readonly drainRequested: Promise<void>;
  /** Reads the configuration again; absent where there is none to read. */
  reload?(): Promise<{ readonly result: string; readonly why: string }>;
}

type Signal = 'SIGTERM' | 'SIGINT' | 'SIGHUP';

/** Where signals come from: the process. */
export interface SignalSource {
  on(signal: Signal, listener: (signal: Signal) => void): unknown;
  off(signal: Signal, listener: (signal: Signal) => void): unknown;
}

const drainAndClose = async (app: Stoppable): Promise<ExitCode> => {
  await app.drain();
  await app.close();
  return exitCodes.fine;
};

/**
 * Resolves when the process should end, with its exit code. The first SIGTERM or SIGINT drains (0); another one does not
 * wait for that (1, because exchanges may have been cut). A request to drain is no signal: the SIGTERM that follows it
 * is the first. SIGHUP never ends the process.
 */
export const untilStopped = (
  source: SignalSource,
  app: Stoppable,
  complain: (line: string) => void,
): Promise<ExitCode> =>
  new Promise((resolve, reject) => {
    let isDraining = false;
    let wasSignalled = false;
    const end = (): void => {
      source.off('SIGTERM', stop);
      source.off('SIGINT', stop);
      source.off('SIGHUP', reload);
    };
    const drain = (): void => {
      if (isDraining) return;
      isDraining = true;
      drainAndClose(app).finally(end).then(resolve, reject);
    };
    const stop = (signal: Signal): void => {
      if (wasSignalled) {
        complain(`outrigger: ${signal} while draining: exiting at once`);
        end();
        resolve(exitCodes.failed);
        return;
      }
      wasSignalled = true;
      drain();
    };
    // What came of it is in the log, but for what was not even begun.
    const told = ({ result, why }: { readonly result: string; readonly why: string }): void => {
      if (result === 'refused') complain(`outrigger: SIGHUP: not reloaded: ${why}`);
    };
    const reload = (): void => {
      if (app.reload === undefined) complain('outrigger: SIGHUP: there is no configuration to read again');
      else app.reload().then(told, reject);
    };
    source.on('SIGTERM', stop);
    source.on('SIGINT', stop);
    source.on('SIGHUP', reload);
    app.drainRequested.then(drain, reject);
  });
