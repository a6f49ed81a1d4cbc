import { execFileSync, spawnSync } from 'node:child_process';
import { runCommand } from './command-client.ts';
import type { Owner } from './owner.ts';

const mark = 'OUTRIGGER_TEST_NETWORK';

/** True in a process that {@link runInOwnNetwork} has started. */
export const isInOwnNetwork = process.env[mark] === 'own';

/** Why there can be no network of the test's own; false: there can. */
export const withoutOwnNetwork = (): string | false => {
  const script = 'ip link set lo up && iptables -L';
  const { status, error } = spawnSync('unshare', ['--net', 'sh', '-c', script]);
  if (error === undefined && status === 0) return false;
  return 'needs root, network namespaces, ip and iptables';
};

/** Runs a file again, in a network namespace with nothing but a loopback device, which ends with it. */
export const runInOwnNetwork = async (file: string): Promise<{ exitCode: number | null; output: string }> => {
  const script = 'ip link set lo up && exec "$0" "$@"';
  const { exitCode, stdout, stderr } = await runCommand(
    'unshare',
    ['--net', 'sh', '-c', script, process.execPath, file],
    { env: { PATH: process.env['PATH'] ?? '', [mark]: 'own' } },
  );
  return { exitCode, output: `${stdout}${stderr}` };
};

/** What becomes of packets for a port: DROP, or REJECT with what the sender is told. */
export type Barrier = readonly ['DROP'] | readonly ['REJECT', '--reject-with', string];

/** Bars the way to a port on loopback; returns what opens it again. Only in a network of the test's own. */
export const bar = (owner: Owner, port: number, barrier: Barrier): (() => void) => {
  if (!isInOwnNetwork) throw new Error('the rules of this machine are not for a test to change');
  const rule = ['INPUT', '-p', 'tcp', '--dport', String(port), '-j', ...barrier];
  execFileSync('iptables', ['-A', ...rule]);
  let isUp = true;
  const open = (): void => {
    if (isUp) execFileSync('iptables', ['-D', ...rule]);
    isUp = false;
  };
  owner.after(open);
  return open;
};
