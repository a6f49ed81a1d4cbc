/** What `dist/outrigger.js` is made of: it runs `program.js` beside it (decision 0029). */
import { existsSync } from 'node:fs';
import { compileProgram, programIn, runCompiled } from './compiled-program.ts';

/**
 * V8 guesses which objects will be old, and allocates them as such. Of connections that come and go it guesses wrong, and
 * what its dead guesses refer to is kept until the old generation is collected. Said on the command line this would cost
 * the start 10 ms, since what V8 keeps compiled is of no use to it under other flags: so it is said a little later.
 * What of Node is loaded for the first time after that, as for the first upstream with TLS that a reload brings, takes up to
 * twice as long, once.
 */
const guessNothing = (): void => {
  process.getBuiltinModule('node:v8').setFlagsFromString('--no-allocation-site-pretenuring');
};
setTimeout(guessNothing, 1000).unref();

const file = programIn(import.meta.dirname);
if (existsSync(file)) runCompiled(compileProgram(file), file);
else {
  process.stderr.write(`outrigger: ${file} is missing: copy the whole folder that was built\n`);
  process.exitCode = 1;
}
