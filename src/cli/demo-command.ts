import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../config/units.ts';
import { scenarioNames, scenarios } from '../demo/scenarios.ts';
import { unlessDefect } from './defects.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { isStartError } from './run-command.ts';
import { untilStopped } from './stop-signals.ts';
import type { Terminal } from './terminal.ts';

interface DemoOptions {
  readonly scenario?: string;
  readonly egress: string;
  readonly admin: string;
  /** Milliseconds. */
  readonly for?: number;
  readonly printConfig?: true;
}

/** Runs the demo until a signal, its time or a defect ends it. */
export const runDemo = async (options: DemoOptions, terminal: Terminal): Promise<ExitCode> => {
  if (options.printConfig) {
    const { shopConfig } = await import('../demo/shop-config.ts');
    terminal.print(shopConfig.trimEnd());
    return exitCodes.fine;
  }
  const { DemoRun } = await import('./demo-run.ts');
  const demo = new DemoRun({
    scenarios: scenarios.filter(({ name }) => options.scenario === undefined || name === options.scenario),
    egress: options.egress,
    admin: options.admin,
    endsAfterMs: options.for ?? Number.POSITIVE_INFINITY,
    terminal,
  });
  // Before anything is open: a signal that comes while it starts must find somebody who closes it again.
  const stopped = untilStopped(process, demo, terminal.complain);
  try {
    const problems = await demo.start();
    if (problems.length === 0) return await unlessDefect(process, demo, stopped);
    const { formatProblem } = await import('../config/problem.ts');
    for (const problem of problems) terminal.complain(formatProblem(problem));
    return exitCodes.usage;
  } catch (error) {
    if (!isStartError(error)) throw error;
    terminal.complain(`outrigger: ${error.message}`);
    return exitCodes.failed;
  }
};

const durationOf = (text: string): number => {
  const durationMs = parseDuration(text);
  if (durationMs === null) throw new InvalidArgumentError('Write it as 30s, 2m or 1m30s.');
  return durationMs;
};

const scenarioList = (): string => {
  const width = Math.max(...scenarioNames.map((name) => name.length));
  const lines = scenarios.map(({ name, title }) => `  ${name.padEnd(width)}  ${title}`);
  return `\nScenarios, in their order:\n${lines.join('\n')}`;
};

/** Adds `demo` to the tree. */
export const addDemoCommand = (
  program: Command,
  terminal: Terminal,
  finish: (code: ExitCode) => void,
): void => {
  program
    .command('demo')
    .description('a shop whose services misbehave, traffic, and the sidecar between them: watch what it does')
    .addOption(new Option('--scenario <name>', 'only this kind of trouble').choices(scenarioNames))
    .option('--egress <address>', 'where the proxy listens', '127.0.0.1:7400')
    .option('--admin <address>', 'where the admin interface listens', '127.0.0.1:7401')
    .option('--for <duration>', 'end after this time, such as 2m30s', durationOf)
    .option('--print-config', 'print the configuration that the demo uses, and end')
    .addHelpText('after', scenarioList)
    .action(async (options: DemoOptions) => {
      finish(await runDemo(options, terminal));
    });
};
