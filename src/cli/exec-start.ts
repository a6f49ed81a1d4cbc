import { formatListenAddress } from '../config/addresses.ts';
import type { LoadedSettings } from '../config/load-settings.ts';
import type { Settings } from '../config/settings.ts';
import { systemClock } from '../lib/clock.ts';
import type { CallTally } from '../runtime/call-tally.ts';
import type { RunningApp } from '../runtime/running-app.ts';
import { clashingUpstreams, upstreamVariable } from './child-environment.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { isStartError } from './run-command.ts';
import { areAllFromFlags, type Terminal } from './terminal.ts';

/** What `exec` can be told about its sidecar. */
export interface ExecSidecarOptions {
  readonly config?: string;
  readonly egress?: string;
  readonly admin?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/** A sidecar that runs, or the exit code; what is wrong has been said by then. */
export type ExecStart =
  | {
      readonly kind: 'started';
      readonly app: RunningApp;
      readonly settings: Settings;
      readonly tally: CallTally;
    }
  | { readonly kind: 'failed'; readonly exitCode: ExitCode };

const failed = (exitCode: ExitCode): ExecStart => ({ kind: 'failed', exitCode });

/** The standard streams are the wrapped process's first of all: what it did not write there is rare. */
const quietLog = (): {
  readonly logLevel: string;
  readonly logFormat: string;
  readonly logAccess: string;
} => ({
  logLevel: 'warn',
  logFormat: process.stderr.isTTY ? 'pretty' : 'json',
  logAccess: 'off',
});

/** Wherever the system likes. */
const anyPorts = { egress: '127.0.0.1:0', admin: '127.0.0.1:0' } as const;

const isAddressInUse = (error: unknown): boolean =>
  isStartError(error) && (error.code === 'address_in_use' || isAddressInUse(error.cause));

const movedLine = ({ egress, admin }: RunningApp): string => {
  const [proxy, dashboard] = [egress, admin].map(formatListenAddress);
  return `outrigger: a default port is in use: proxy on http://${proxy}, admin on http://${dashboard}`;
};

const clashProblems = (settings: Settings): readonly string[] =>
  clashingUpstreams(settings.upstreams.filter(({ listen }) => listen !== null).map(({ name }) => name)).map(
    ([one, other]) =>
      `outrigger: upstreams.${one} and upstreams.${other} would both be ${upstreamVariable(one)} for the process: rename one`,
  );

/**
 * Starts the sidecar of a wrapped process. Its log goes to standard error, and says little unless it was asked to say
 * more. Default ports that are taken, by the sidecar of another one, say, are replaced by free ones: the process is told
 * where they are. A port that somebody has written is taken at its word.
 */
export const startForExec = async (options: ExecSidecarOptions, terminal: Terminal): Promise<ExecStart> => {
  const { loadSettings } = await import('../config/load-settings.ts');
  const { startApp } = await import('../runtime/app.ts');
  const { CallTally } = await import('../runtime/call-tally.ts');
  const { config, ...overrides } = options;
  const load = (ports: Partial<typeof anyPorts>): LoadedSettings =>
    loadSettings({ file: config, env: terminal.env, overrides, presets: { ...quietLog(), ...ports } });
  const start = async (ports: Partial<typeof anyPorts>): Promise<ExecStart> => {
    const loaded = load(ports);
    if (!loaded.ok) {
      const { formatProblem } = await import('../config/problem.ts');
      for (const problem of loaded.problems) terminal.complain(formatProblem(problem));
      return failed(areAllFromFlags(loaded.problems) ? exitCodes.usage : exitCodes.config);
    }
    const { settings, source, path } = loaded;
    const clashes = clashProblems(settings);
    for (const line of clashes) terminal.complain(line);
    if (clashes.length > 0) return failed(exitCodes.config);
    const tally = new CallTally(systemClock);
    const file = path === null ? null : { path, files: loaded.files, load: () => load(ports) };
    const app = await startApp(settings, { source, file, logStream: 2, listener: tally });
    return { kind: 'started', app, settings, tally };
  };
  try {
    return await start({}).catch(async (error: unknown) => {
      if (!isAddressInUse(error)) throw error;
      const elsewhere = await start(anyPorts);
      if (elsewhere.kind === 'started') terminal.complain(movedLine(elsewhere.app));
      return elsewhere;
    });
  } catch (error) {
    if (!isStartError(error)) throw error;
    terminal.complain(`outrigger: ${error.message}`);
    return failed(exitCodes.failed);
  }
};
