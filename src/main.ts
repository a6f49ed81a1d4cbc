import { runProgram } from './cli/program.ts';
import { ignoreStraySignals } from './cli/stray-signals.ts';
import { processTerminal } from './cli/terminal.ts';

ignoreStraySignals(process);

// A reader that has seen enough (`outrigger config | head`) is no reason for a stack trace.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
// Nobody who reads what is wrong is no reason to end, for what runs.
process.stderr.on('error', () => {});

runProgram(process.argv.slice(2), processTerminal).then((code) => process.exit(code));
