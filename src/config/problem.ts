import { EnvScalar } from './env-scalar.ts';

/** Where something stands in a configuration. Lines and columns count from 1; 0 where there are none (flags, environment). */
export interface Location {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** One thing that is wrong with a configuration. */
export interface Problem extends Location {
  /** The key's path, such as `upstreams.reviews.routes[0].match`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** What to do about it; may be empty. */
  readonly hint: string;
}

/** Nobody mends more mistakes than this in one go. */
export const maxProblems = 50;

/** The way from the top of the configuration to a value: keys and places in lists. */
export type Path = readonly (string | number)[];

/** A path as a name to find it by. */
export const idOf = (path: Path): string => JSON.stringify(path);

/** `upstreams.reviews.routes[0].match` */
export const formatPath = (path: Path): string => {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part : `.${part}`;
  }
  return text;
};

/** A problem of the file as a whole. */
export const fileProblem = (file: string, message: string, hint = '', line = 0, column = 0): Problem => ({
  file,
  line,
  column,
  path: '',
  message,
  hint,
});

// What peers and files wrote must not break a line or move the cursor of the terminal that shows it.
const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\u2028\u2029]/gu, (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`);

/** `file:line:column: path: message (hint)`, always one line. */
export const formatProblem = (problem: Problem): string => {
  const where = problem.line === 0 ? problem.file : `${problem.file}:${problem.line}:${problem.column}`;
  const path = problem.path === '' ? '' : `${problem.path}: `;
  const hint = problem.hint === '' ? '' : ` (${problem.hint})`;
  return oneLine(`${where}: ${path}${problem.message}${hint}`);
};

/** The order of the file; those without a place come first. */
export const inFileOrder = (
  a: Location & { readonly path: string },
  b: Location & { readonly path: string },
): number =>
  (a.file === b.file ? 0 : a.file.localeCompare(b.file)) ||
  a.line - b.line ||
  a.column - b.column ||
  (a.path === b.path ? 0 : a.path.localeCompare(b.path));

/** A value as a message may show it: short, in quotes where it is text, and never what came from the environment. */
export const quote = (value: unknown): string => {
  if (value instanceof EnvScalar) return quote(value.written);
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  return String(value);
};
