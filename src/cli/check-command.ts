import { type Command, Option } from 'commander';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

type Format = 'text' | 'json';

/** Reports every problem of every file: text on standard error, one line each; JSON on standard output. */
export const checkFiles = async (
  files: readonly string[],
  format: Format,
  terminal: Terminal,
): Promise<ExitCode> => {
  const { checkFile } = await import('../config/load-settings.ts');
  const { formatProblem } = await import('../config/problem.ts');
  const results = files.map((file) => ({ file, result: checkFile(file, terminal.env) }));
  const problems = results.flatMap(({ result }) => (result.ok ? [] : result.problems));
  if (format === 'json') {
    terminal.print(JSON.stringify({ ok: problems.length === 0, problems }, null, 2));
  } else {
    for (const { file, result } of results) if (result.ok) terminal.print(`${file}: ok`);
    for (const problem of problems) terminal.complain(formatProblem(problem));
  }
  return problems.length === 0 ? exitCodes.fine : exitCodes.config;
};

/** Adds `check` to the tree. */
export const addCheckCommand = (
  program: Command,
  terminal: Terminal,
  finish: (code: ExitCode) => void,
): void => {
  program
    .command('check')
    .description('validate configuration files: every problem at once')
    .argument('<file...>', 'files to check')
    .addOption(new Option('--format <format>', 'how to report').choices(['text', 'json']).default('text'))
    .action(async (files: string[], options: { format: Format }) => {
      finish(await checkFiles(files, options.format, terminal));
    });
};
