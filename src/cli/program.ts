import { Command, CommanderError } from 'commander';
import project from '../../package.json' with { type: 'json' };
import { addCheckCommand } from './check-command.ts';
import { addConfigCommand } from './config-command.ts';
import { addDemoCommand } from './demo-command.ts';
import { addExecCommand } from './exec-command.ts';
import { exitCodes } from './exit-codes.ts';
import { addHealthCommand } from './health-command.ts';
import { addInjectCommand } from './inject-command.ts';
import { addRunCommand } from './run-command.ts';
import { addSchemaCommand } from './schema-command.ts';
import { type Terminal, usageLine } from './terminal.ts';
import { addTopCommand } from './top-command.ts';

/** Runs one command line (without the program's own name) and says what to exit with. Throws only for a defect. */
export const runProgram = async (args: readonly string[], terminal: Terminal): Promise<number> => {
  let code: number = exitCodes.fine;
  const finish = (result: number): void => {
    code = result;
  };
  const program = new Command('outrigger')
    .description(
      'A resilience sidecar: circuit breaking, bulkheads, timeouts and retries for every outbound call.',
    )
    .version(project.version)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.complain(text.trimEnd()),
      outputError: (text) => terminal.complain(usageLine(text)),
    });
  addRunCommand(program, terminal, finish);
  addExecCommand(program, terminal, finish);
  addCheckCommand(program, terminal, finish);
  addConfigCommand(program, terminal, finish);
  addSchemaCommand(program, terminal, finish);
  addTopCommand(program, terminal, finish);
  addHealthCommand(program, terminal, finish);
  addDemoCommand(program, terminal, finish);
  addInjectCommand(program, terminal, finish);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? exitCodes.fine : exitCodes.usage;
  }
  return code;
};
