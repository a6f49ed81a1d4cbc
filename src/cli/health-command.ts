import type { Command } from 'commander';
import { adminTarget, askAdmin, unreachable } from './admin-client.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';

/** A container's health check is asked every few seconds and must not pile up. */
const timeoutMs = 2000;

const runHealth = async (url: string | undefined, terminal: Terminal): Promise<ExitCode> => {
  const target = adminTarget({ url, tokenFile: undefined, env: terminal.env });
  if ('problem' in target) {
    terminal.complain(`outrigger: ${target.problem}`);
    return exitCodes.usage;
  }
  try {
    const { statusCode, body } = await askAdmin(target, '/readyz', {}, AbortSignal.timeout(timeoutMs));
    const text = await body.text();
    if (statusCode === 200) return exitCodes.fine;
    terminal.complain(
      `outrigger: not ready: ${target.origin}/readyz answered ${statusCode} ${text.trim().slice(0, 200)}`,
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
      'its admin interface or its probes (default: $OUTRIGGER_ADMIN, else http://127.0.0.1:7401)',
    )
    .action(async (url: string | undefined) => {
      finish(await runHealth(url, terminal));
    });
};
