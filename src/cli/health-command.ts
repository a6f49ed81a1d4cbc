import type { Command } from 'commander';
import { adminTarget, askAdmin, unreachable } from './admin-client.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** A container's health check is asked every few seconds and must not pile up. */
const timeoutMs = 2000;

interface HealthOptions {
  readonly config?: string;
}

/**
 * Where the sidecar beside us listens, found as `run` finds it: `OUTRIGGER_ADMIN` goes before the file. undefined: at the
 * default address.
 */
const ownAddress = async ({ config }: HealthOptions, env: Terminal['env']): Promise<string | undefined> => {
  if (env['OUTRIGGER_ADMIN']) return env['OUTRIGGER_ADMIN'];
  const file = config ?? (env['OUTRIGGER_CONFIG'] || undefined);
  if (file === undefined) return undefined;
  // Only who has a file pays for loading its reader.
  const { probeAddress } = await import('../config/probe-address.ts');
  const address = probeAddress(file, env);
  if (address === null) return undefined;
  const { formatListenAddress } = await import('../config/addresses.ts');
  return formatListenAddress(address);
};

const runHealth = async (
  url: string | undefined,
  options: HealthOptions,
  terminal: Terminal,
): Promise<ExitCode> => {
  const written = url ?? (await ownAddress(options, terminal.env));
  const target = adminTarget({ url: written, tokenFile: undefined, env: terminal.env });
  if ('problem' in target) {
    terminal.complain(`outrigger: ${target.problem}`);
    return exitCodes.usage;
  }
  // The admin interface answers to loopback names alone, and may listen on another address of this machine only.
  const headers: Record<string, string> = url === undefined ? { host: 'localhost' } : {};
  try {
    const { statusCode, body } = await askAdmin(target, '/readyz', headers, AbortSignal.timeout(timeoutMs));
    const text = await body.text();
    if (statusCode === 200) return exitCodes.fine;
    terminal.complain(
      `outrigger: not ready: ${target.origin}/readyz answered ${statusCode} ${text.trim().replace(/\s+/g, ' ').slice(0, 200)}`,
    );
  } catch (error) {
    terminal.complain(`outrigger: ${unreachable(error, target)}`);
  }
  return exitCodes.failed;
};

/** Adds `health` to the tree. */
export const addHealthCommand = (
  program: Command,
  terminal: Terminal,
  finish: (code: ExitCode) => void,
): void => {
  program
    .command('health')
    .description('ask a running sidecar whether it is ready: 0 if it is, 1 if not, within 2 s')
    .argument(
      '[url]',
      'its admin interface or its probes (default: $OUTRIGGER_ADMIN, else admin.probes or admin.address of the configuration, else http://127.0.0.1:7401)',
    )
    .option('-c, --config <file>', 'the configuration that it was started with (default: $OUTRIGGER_CONFIG)')
    .action(async (url: string | undefined, options: HealthOptions) => {
      finish(await runHealth(url, options, terminal));
    });
};
