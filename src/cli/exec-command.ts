import type { Command } from 'commander';
import type { ExecOptions } from './exec-run.ts';
import { type Terminal, usageLine } from './terminal.ts';

/** Without the dashes, options of the program would be taken for ours. */
const usage = '[options] -- CMD ARGS...';

const whatIsSet = `
CMD finds the sidecar by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY in both cases, NODE_USE_ENV_PROXY and
JAVA_TOOL_OPTIONS; upstreams with a port of their own by OUTRIGGER_UPSTREAM_NAME; the admin interface by OUTRIGGER_ADMIN.`;

/** Adds `exec` to the tree. */
export const addExecCommand = (
  program: Command,
  terminal: Terminal,
  finish: (code: number) => void,
): void => {
  program
    .command('exec')
    .description('run CMD with a sidecar of its own; passes signals on, and exits as CMD does')
    .usage(usage)
    .argument('<cmd>', 'the program')
    .argument('[args...]', 'its arguments')
    .option('-c, --config <file>', 'configuration file (default: $OUTRIGGER_CONFIG, else the embedded one)')
    .option('--egress <address>', 'where the proxy listens (default: 127.0.0.1:7400, if that is free)')
    .option(
      '--admin <address>',
      'where the admin interface listens (default: 127.0.0.1:7401, if that is free)',
    )
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent (default: warn)')
    .option('--log-format <format>', 'json or pretty (default: pretty on a terminal)')
    .option('--no-summary', 'do not say at the end what was called and how it went')
    .configureOutput({ outputError: (text) => terminal.complain(`${usageLine(text)} (${usage})`) })
    .addHelpText('after', whatIsSet)
    .action(async (cmd: string, args: readonly string[], options: ExecOptions) => {
      const { runExec } = await import('./exec-run.ts');
      finish(await runExec([cmd, ...args], options, terminal));
    });
};
