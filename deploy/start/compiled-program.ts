import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Script } from 'node:vm';

/** A program that has not begun yet. */
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

/**
 * A program's file holds a function that takes what Node gives to a file of the older module format: nothing has to be put
 * around the text, of which there would be two copies then.
 */
export const compileProgram = (file: string): CompiledProgram => {
  const cachedData = bytesOf(cacheOf(file));
  // The text is ASCII, which needs no decoding, and stays outside V8's heap then.
  const script = new Script(readFileSync(file, 'latin1'), {
    filename: file,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  return { script, isFromCache: script.cachedDataRejected === false };
};

/** Runs it as Node would if it were the file that was started. */
export const runCompiled = ({ script }: CompiledProgram, file: string): void => {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
};

/** The program of a folder that `deploy/bundle.ts` has filled. */
export const programIn = (folder: string): string => join(folder, 'program.js');
