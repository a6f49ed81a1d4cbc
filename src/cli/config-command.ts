import type { Command } from 'commander';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** Prints the configuration that `run` would use, as YAML. */
export const printConfig = async (file: string | undefined, terminal: Terminal): Promise<ExitCode> => {
  const { loadSettings } = await import('../config/load-settings.ts');
  const loaded = loadSettings({ file, env: terminal.env });
  if (!loaded.ok) {
    const { formatProblem } = await import('../config/problem.ts');
    for (const problem of loaded.problems) terminal.complain(formatProblem(problem));
    return exitCodes.config;
  }
  const { describeSettings } = await import('../config/describe-settings.ts');
  const { stringify } = await import('yaml');
  const options = { aliasDuplicateObjects: false, lineWidth: 0 };
  terminal.print(stringify(describeSettings(loaded.settings), options).trimEnd());
  return exitCodes.fine;
};

/** Adds `config` to the tree. */
export const addConfigCommand = (
  program: Command,
  terminal: Terminal,
  finish: (code: ExitCode) => void,
): void => {
  program
    .command('config')
    .description('print the effective configuration, defaults filled in, secrets redacted')
    .option('-c, --config <file>', 'configuration file (default: $OUTRIGGER_CONFIG, else the embedded one)')
    .action(async (options: { config?: string }) => {
      finish(await printConfig(options.config, terminal));
    });
};
