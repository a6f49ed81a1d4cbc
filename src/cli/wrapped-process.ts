import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Clock, Timer } from '../lib/clock.ts';

/** What a shell ends with when a command is there but cannot be run, and when it is not there. */
const CANNOT_RUN = 126;
const NOT_FOUND = 127;
/** What it adds to the number of the signal that ended a process. */
const SIGNALLED = 128;

/** How a wrapped process ended, or that it never began. */
export interface ProcessEnd {
  /** As a shell would put it. */
  readonly exitCode: number;
  /** Why it could not be started; null: it was. */
  readonly problem: string | null;
}

export interface WrappedProcessOptions {
  /** The program, and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** How long it may take to end after SIGTERM. */
  readonly deadlineMs: number;
  /** Hears that it was killed because it took longer. */
  readonly onKilled: () => void;
}

const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

const unstartable = (program: string, error: unknown): ProcessEnd => {
  const code = reasonOf(error);
  const isMissing = program === '' || code === 'ENOENT' || code === 'ENOTDIR';
  const why = isMissing ? 'there is no such program' : `the system said ${code}`;
  return {
    exitCode: isMissing ? NOT_FOUND : CANNOT_RUN,
    problem: `cannot run ${JSON.stringify(program)}: ${why}`,
  };
};

const endOf = (code: number | null, signal: NodeJS.Signals | null): ProcessEnd => ({
  exitCode: code ?? SIGNALLED + (signal === null ? 0 : constants.signals[signal]),
  problem: null,
});

/**
 * One process that shares our standard streams and process group, started without a shell. It does not outlive us, as
 * long as it is us who decide when we end.
 */
export class WrappedProcess {
  /** Never rejects. */
  readonly ended: Promise<ProcessEnd>;
  readonly #options: WrappedProcessOptions;
  #child: ChildProcess | null = null;
  #deadline: Timer | null = null;
  readonly #killWithUs = (): void => this.kill();

  constructor(options: WrappedProcessOptions) {
    this.#options = options;
    this.ended = this.#start();
  }

  /** Passes a signal on. From a first SIGTERM on it has until the deadline. */
  signal(signal: NodeJS.Signals): void {
    if (this.#child === null) return;
    this.#child.kill(signal);
    if (signal === 'SIGTERM') this.#deadline ??= this.#killLater();
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  #start(): Promise<ProcessEnd> {
    const { command, env } = this.#options;
    const [program, ...args] = command;
    const { promise, resolve } = Promise.withResolvers<ProcessEnd>();
    const end = (how: ProcessEnd): void => {
      this.#child = null;
      this.#deadline?.cancel();
      process.off('exit', this.#killWithUs);
      resolve(how);
    };
    try {
      const child = spawn(program, args, { env, stdio: 'inherit' });
      this.#child = child;
      process.on('exit', this.#killWithUs);
      child.on('error', (error) => {
        // Also a signal that could not be sent.
        if (child.pid === undefined) end(unstartable(program, error));
      });
      child.on('exit', (code, signal) => end(endOf(code, signal)));
    } catch (error) {
      end(unstartable(program, error));
    }
    return promise;
  }

  #killLater(): Timer {
    const { clock, deadlineMs, onKilled } = this.#options;
    return clock.after(deadlineMs, () => {
      onKilled();
      this.kill();
    });
  }
}
