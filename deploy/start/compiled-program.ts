import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

/** A program in the older module format, as one script; what V8 made of it before is beside it where somebody has put it there. */
export interface CompiledProgram {
  readonly script: Script;
  /** True: nothing had to be compiled. Else what lies there is of another Node, or nothing does. */
  readonly isFromCache: boolean;
}

/** Where what V8 made of a program lies: `program.cache` for `program.js`. */
export const cacheOf = (file: string): string => file.replace(/js$/, 'cache');

const bytesOf = (file: string): Buffer | undefined => {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
};

/** The same text in the same wrapper each time: V8 compares the length. */
export const compileProgram = (file: string): CompiledProgram => {
  const cachedData = bytesOf(cacheOf(file));
  // The text is ASCII, which needs no decoding.
  const text = readFileSync(file, 'latin1');
  const source = `(function (exports, require, module, __filename, __dirname) {${text}\n})`;
  const script = new Script(source, { filename: file, ...(cachedData === undefined ? {} : { cachedData }) });
  return { script, isFromCache: script.cachedDataRejected === false };
};

/** Runs it as Node would if it were the file that was started. */
export const runCompiled = ({ script }: CompiledProgram, file: string): void => {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
};

/** The program of a folder that `deploy/bundle.ts` has filled. */
export const programIn = (folder: string): string => join(folder, 'program.js');
