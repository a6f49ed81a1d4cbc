/** What `dist/outrigger.js` is made of: it runs `program.js` beside it (decision 0029). */
import { existsSync } from 'node:fs';
import { compileProgram, programIn, runCompiled } from './compiled-program.ts';

const file = programIn(import.meta.dirname);
if (existsSync(file)) runCompiled(compileProgram(file), file);
else {
  process.stderr.write(`outrigger: ${file} is missing: copy the whole folder that was built\n`);
  process.exitCode = 1;
}
