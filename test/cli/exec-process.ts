import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Owner } from '../rig/owner.ts';
import type { ConfigText } from '../rig/sidecar.ts';
import { OutriggerProcess } from './outrigger-process.ts';

/** Flags for ports that the system chooses. */
export const anyPorts = ['--egress', '127.0.0.1:0', '--admin', '127.0.0.1:0'] as const;

/** What a wrapped program is: JavaScript for Node. */
export const nodeScript = (script: string): readonly string[] => [process.execPath, '-e', script];

/** The path of a configuration file, which goes with its owner. */
export const configFile = (owner: Owner, config: ConfigText): string => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-exec-'));
  owner.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'outrigger.json');
  writeFileSync(file, JSON.stringify(config, null, 2));
  return file;
};

export interface ExecProcessOptions {
  readonly flags?: readonly string[];
  readonly config?: ConfigText;
  readonly env?: Readonly<Record<string, string>>;
}

/** Ends it as nobody can refuse, its program first: that one would outlive it. */
const killWhole = ({ child }: OutriggerProcess): void => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const below = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ');
  for (const pid of below.filter((text) => text !== '')) process.kill(Number(pid), 'SIGKILL');
  child.kill('SIGKILL');
};

/** `outrigger exec` of this command, as a process of its own. */
export const startExec = (
  owner: Owner,
  command: readonly string[],
  { flags = [], config, env }: ExecProcessOptions = {},
): OutriggerProcess => {
  const file = config === undefined ? [] : ['-c', configFile(owner, config)];
  const started = new OutriggerProcess(['exec', ...anyPorts, ...file, ...flags, '--', ...command], env);
  owner.after(() => killWhole(started));
  return started;
};

/** Says `ready PID`, and then the name of each signal that it gets; at SIGUSR2 it ends with 42. */
export const listener = `
  for (const name of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR1'])
    process.on(name, () => console.log('got', name));
  process.on('SIGUSR2', () => { console.log('got SIGUSR2'); process.exit(42); });
  setInterval(() => {}, 1000);
  console.log('ready', process.pid);
`;

/** Ends at the first SIGTERM, but not before it has asked the sidecar whether it still serves. */
export const orderly = `
  const admin = process.env.OUTRIGGER_ADMIN;
  process.on('SIGTERM', async () => {
    const { status } = await fetch('http://' + admin + '/readyz');
    console.log('the sidecar says', status);
    process.exit(5);
  });
  setInterval(() => {}, 1000);
  console.log('ready', process.pid);
`;

/** Hears nothing but SIGKILL. */
export const stubborn = `
  for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => {});
  setInterval(() => {}, 1000);
  console.log('ready', process.pid);
`;

const pidIn = (text: string): number => Number(/ready (\d+)/.exec(text)?.[1]);

/** True for a process that has not ended. */
export const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Waits until the program says that it is ready; gives its pid. */
export const running = async (owner: Owner, started: OutriggerProcess): Promise<number> => {
  const pid = pidIn(await started.untilWritten(/ready \d+\n/));
  owner.after(() => isRunning(pid) && process.kill(pid, 'SIGKILL'));
  return pid;
};
