import type { Command } from 'commander';
import { unlessDefect } from './defects.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { untilStopped } from './stop-signals.ts';
import { areAllFromFlags, type Terminal } from './terminal.ts';

interface RunOptions {
  readonly config?: string;
  readonly egress?: string;
  readonly admin?: string;
  readonly logLevel?: string;
  readonly logFormat?: string;
}

/** An error that says in its message what to do about it, such as a port in use. */
export const isStartError = (error: unknown): error is Error & { readonly code: string } =>
  error instanceof Error && 'code' in error && typeof error.code === 'string';

/** Runs the sidecar until a signal, or a defect, ends it. */
export const runSidecar = async (options: RunOptions, terminal: Terminal): Promise<ExitCode> => {
  const { loadSettings } = await import('../config/load-settings.ts');
  const { config, ...overrides } = options;
  const load = () => loadSettings({ file: config, env: terminal.env, overrides });
  const loaded = load();
  if (!loaded.ok) {
    const { formatProblem } = await import('../config/problem.ts');
    for (const problem of loaded.problems) terminal.complain(formatProblem(problem));
    return areAllFromFlags(loaded.problems) ? exitCodes.usage : exitCodes.config;
  }
  const { startApp } = await import('../runtime/app.ts');
  try {
    const { settings, source, path, files } = loaded;
    const app = await startApp(settings, { source, file: path === null ? null : { path, files, load } });
    return await unlessDefect(process, app, untilStopped(process, app, terminal.complain));
  } catch (error) {
    if (!isStartError(error)) throw error;
    terminal.complain(`outrigger: ${error.message}`);
    return exitCodes.failed;
  }
};

/** Adds `run` to the tree. */
export const addRunCommand = (
  program: Command,
  terminal: Terminal,
  finish: (code: ExitCode) => void,
): void => {
  program
    .command('run')
    .description('run the sidecar; SIGTERM drains, a second one exits at once, SIGHUP reloads')
    .option('-c, --config <file>', 'configuration file (default: $OUTRIGGER_CONFIG, else the embedded one)')
    .option('--egress <address>', 'where the proxy listens, such as 127.0.0.1:7400')
    .option('--admin <address>', 'where the admin interface listens, such as 127.0.0.1:7401')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent')
    .option('--log-format <format>', 'json or pretty')
    .action(async (options: RunOptions) => {
      finish(await runSidecar(options, terminal));
    });
};
