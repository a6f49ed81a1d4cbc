import type { Command } from 'commander';
import { http } from '../lib/node-http.ts';
import { type AdminTarget, adminTarget, unreachable } from './admin-client.ts';
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

interface Readiness {
  readonly status: number;
  readonly text: string;
}

/**
 * By Node's own client, though our calls are undici's elsewhere: a container has both this process and the sidecar in its
 * memory, every few seconds.
 */
const askReady = (
  { origin, token }: AdminTarget,
  headers: Readonly<Record<string, string>>,
): Promise<Readiness> =>
  new Promise((resolve, reject) => {
    const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
    const signal = AbortSignal.timeout(timeoutMs);
    const options = { headers: { ...headers, ...authorization }, signal };
    const asked = http.get(`${origin}/readyz`, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', (error) => reject(signal.aborted ? signal.reason : error));
    });
    // Node's client wraps the signal's reason; that it was too late is what counts.
    asked.on('error', (error) => reject(signal.aborted ? signal.reason : error));
  });

/** Asks the sidecar at `url`, or the one beside this process, whether it is ready, and says what to exit with. */
export const runHealth = async (
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
    const { status, text } = await askReady(target, headers);
    if (status === 200) return exitCodes.fine;
    terminal.complain(
      `outrigger: not ready: ${target.origin}/readyz answered ${status} ${text.trim().replace(/\s+/g, ' ').slice(0, 200)}`,
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
