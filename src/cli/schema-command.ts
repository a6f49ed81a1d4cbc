import type { Command } from 'commander';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

const help = `
Write it to a file, and name that file in the first line of the configuration:

  outrigger schema > outrigger.schema.json
  # yaml-language-server: $schema=./outrigger.schema.json

The dialect is draft-07. A value may be written as \${NAME}. What a schema cannot
say (ranges of durations, addresses, impossible combinations) is told by
outrigger check.`;

/** Prints the JSON Schema of the configuration. */
export const printSchema = async (terminal: Terminal): Promise<ExitCode> => {
  const { jsonSchemaText } = await import('../config/json-schema.ts');
  terminal.print(jsonSchemaText().trimEnd());
  return exitCodes.fine;
};

/** Adds `schema` to the tree. */
export const addSchemaCommand = (
  program: Command,
  terminal: Terminal,
  finish: (code: ExitCode) => void,
): void => {
  program
    .command('schema')
    .description('print the JSON Schema of the configuration, for editors')
    .addHelpText('after', help)
    .action(async () => {
      finish(await printSchema(terminal));
    });
};
