/**
 * `node deploy/start/warm-up.ts PROGRAM ARGUMENTS…`, with a channel for messages: runs the program, and at the first message
 * leaves what V8 has made of it by then where its next start looks for it, and ends.
 */
import { writeFileSync } from 'node:fs';
import { cacheOf, compileProgram, runCompiled } from './compiled-program.ts';

process.argv.splice(1, 1);
const file = process.argv[1]!;
const program = compileProgram(file);
process.once('message', () => {
  writeFileSync(cacheOf(file), program.script.createCachedData());
  process.exit(0);
});
// Whoever wanted it is gone.
process.once('disconnect', () => process.exit(1));
runCompiled(program, file);
