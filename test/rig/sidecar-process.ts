import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './eventually.ts';
import { fetchText, type Metrics, scrape } from './metrics.ts';
import type { Owner, RigAddress } from './owner.ts';
import type { ConfigText, LogLine } from './sidecar.ts';

/** The product in its sources. */
export const launcher = join(import.meta.dirname, '../../bin/outrigger.js');

/** A port that was free a moment ago. */
export const freePort = async (): Promise<number> => {
  const server = createServer();
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
};

/** The product as users run it: a process of its own. */
export class SidecarProcess {
  readonly child: ChildProcess;
  readonly egress: RigAddress;
  readonly admin: RigAddress;
  /** The configuration file, and what was written into it. */
  readonly file: string;
  readonly configText: string;
  /** Lines of its log. */
  readonly log: LogLine[] = [];
  /** Those of the access log. */
  readonly accessLog: LogLine[] = [];

  constructor(
    child: ChildProcess,
    egress: RigAddress,
    admin: RigAddress,
    { file, configText }: { readonly file: string; readonly configText: string },
  ) {
    this.child = child;
    this.egress = egress;
    this.admin = admin;
    this.file = file;
    this.configText = configText;
    for (const output of [child.stdout!, child.stderr!]) {
      createInterface({ input: output }).on('line', (line) => this.#line(line));
    }
  }

  metrics(): Promise<Metrics> {
    return scrape(this.admin);
  }

  /** Waits until a metric, summed over the series that carry these labels, has this value. */
  async metricIs(name: string, labels: Readonly<Record<string, string>>, value: number): Promise<void> {
    const isSo = async () => (await this.metrics()).sum(name, labels) === value;
    await eventually(`${name} ${JSON.stringify(labels)} is ${value}`, isSo);
  }

  /** Descriptors that it has open. */
  get descriptors(): number {
    return readdirSync(`/proc/${this.child.pid}/fd`).length;
  }

  /** Resident memory in MiB, and the most it ever was. */
  get memory(): { readonly now: number; readonly peak: number } {
    const status = readFileSync(`/proc/${this.child.pid}/status`, 'utf8');
    const mib = (name: string): number =>
      Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1024);
    return { now: mib('VmRSS'), peak: mib('VmHWM') };
  }

  /** Asks it to end by SIGTERM and waits: the exit code. */
  async drained(): Promise<number | null> {
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    const [code] = (await exit) as [number | null];
    return code;
  }

  /** Waits for the line of that index (0: the first) that tells of this event. */
  async logged(event: string, index = 0): Promise<LogLine> {
    const lines = () => this.log.filter((line) => line['event'] === event);
    await eventually(`line ${index} of ${event}`, () => lines().length > index);
    return lines()[index]!;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }

  #line(line: string): void {
    if (!line.startsWith('{')) {
      process.stderr.write(`${line}\n`);
      return;
    }
    const parsed = JSON.parse(line) as LogLine;
    this.log.push(parsed);
    if ('status' in parsed && 'attempts' in parsed) this.accessLog.push(parsed);
  }
}

const freeAddress = async (): Promise<RigAddress> => ({ host: '127.0.0.1', port: await freePort() });

/** How a process differs from the usual one. */
export interface ProcessOptions {
  /** The launcher, or a bundle. */
  readonly program?: string;
  /** Where it listens; another process of before, in whose place this one comes. */
  readonly place?: { readonly egress: RigAddress; readonly admin: RigAddress };
  /** What its runtime is told beside that. */
  readonly nodeOptions?: string;
  /** What only its command line may say. */
  readonly nodeFlags?: readonly string[];
  /** What its shell is told first. Default: as many descriptors as the system allows, for each exchange takes two. */
  readonly shell?: string;
}

const mostDescriptors = 'ulimit -n "$(ulimit -Hn)"';

/** Starts `outrigger run` with this configuration and waits until it is ready. */
export const startSidecarProcess = async (
  owner: Owner,
  config: ConfigText,
  options: ProcessOptions = {},
): Promise<SidecarProcess> => {
  const { program = launcher, place, nodeOptions = '', nodeFlags = [], shell = mostDescriptors } = options;
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-'));
  const file = join(folder, 'outrigger.json');
  const egress = place?.egress ?? (await freeAddress());
  const admin = place?.admin ?? (await freeAddress());
  const whole = {
    log: { access: 'all' },
    ...config,
    egress: { address: `127.0.0.1:${egress.port}`, ...(config['egress'] as object | undefined) },
    admin: { address: `127.0.0.1:${admin.port}`, ...(config['admin'] as object | undefined) },
  };
  const text = JSON.stringify(whole, null, 2);
  writeFileSync(file, text);
  const command = `${shell}; exec "$0" "$@"`;
  const child = spawn('sh', ['-c', command, process.execPath, ...nodeFlags, program, 'run', '-c', file], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(nodeOptions === '' ? {} : { env: { ...process.env, NODE_OPTIONS: nodeOptions } }),
  });
  const sidecar = new SidecarProcess(child, egress, admin, { file, configText: text });
  owner.after(async () => {
    await sidecar.stop();
    rmSync(folder, { recursive: true });
  });
  const isReady = async (): Promise<boolean> => {
    if (child.exitCode !== null) throw new Error(`the sidecar exited with ${child.exitCode}`);
    const answer = await fetchText(admin, '/readyz').catch(() => null);
    return answer?.status === 200;
  };
  await eventually('the sidecar is ready', isReady, 30_000);
  return sidecar;
};
