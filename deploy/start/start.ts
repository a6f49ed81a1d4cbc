/** What `dist/outrigger.js` is made of: it runs `program.js` beside it (decision 0029). */
import { compileProgram, programIn, runCompiled } from './compiled-program.ts';

const file = programIn(import.meta.dirname);
runCompiled(compileProgram(file), file);
