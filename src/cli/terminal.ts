import type { Problem } from '../config/problem.ts';

/** Where a command reads its surroundings and leaves its words. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** One line for standard output. */
  print(line: string): void;
  /** One line for standard error. */
  complain(line: string): void;
}

/** The process's own. */
export const processTerminal: Terminal = {
  env: process.env,
  print: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
};

/** True when all that is wrong was said on the command line. */
export const areAllFromFlags = (problems: readonly Problem[]): boolean =>
  problems.every((problem) => problem.file.startsWith('--'));

/** A usage error as one line, whatever the library adds below it. */
export const usageLine = (text: string): string =>
  `outrigger: ${text
    .trim()
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')}`;
