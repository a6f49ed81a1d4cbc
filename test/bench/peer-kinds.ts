import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { shippedCommand } from './bundled-program.ts';
import type { BenchMode } from './cases.ts';
import { writeConfiguration } from './configuration-file.ts';
import { freePort, PinnedProcess } from './pinned-process.ts';

/** The core that the proxies have for themselves; everything else of the rig is on the other. */
export const proxyCore = 0;
export const rigCore = 1;

/** A way from the generator to the upstream. */
export interface Peer {
  readonly name: string;
  /** True: it is compiled while it runs, and costs more until that is done. */
  readonly compilesAsItRuns: boolean;
  /** True: it takes part only where `--peers` names it. */
  readonly isOnRequest: boolean;
  /** What it says of its version, in one line. Throws when it is installed and does not run. */
  version(mode: BenchMode): string | Absence;
  /** Starts it and waits until it accepts connections. `directory` is for its configuration and whatever it writes. */
  start(mode: BenchMode, upstream: BenchUpstream, directory: string): Promise<RunningPeer>;
}

/** Why a peer is left out, as it is told. */
export interface Absence {
  readonly missing: string;
}

/** What stands behind all of them. */
export interface BenchUpstream {
  readonly port: number;
  /** Who issued its certificate; empty where it has none. */
  readonly caFile: string;
}

export interface RunningPeer {
  readonly name: string;
  /** Where the generator connects. */
  readonly port: number;
  /** Of its admin interface; null where it has none that is of interest here. */
  readonly adminPort: number | null;
  /** null: nothing stands between the generator and the upstream. */
  readonly process: PinnedProcess | null;
}

/** Requests in flight that a proxy allows: the same for all of them, and more where a crowd of slow clients holds many. */
const inFlight: Readonly<Partial<Record<BenchMode, number>>> = { slow: 2048 };
const usualInFlight = 256;
/** So many more may wait for one of those to end, where a proxy knows how to wait. */
const queued = 128;

/** Destinations that a proxy remembers, in the modes where it is asked for more than it has configured. */
const remembered: Readonly<Partial<Record<BenchMode, number>>> = { hosts: 256, 'hosts-all': 10_000 };

interface Ports {
  /** Where the clients connect. */
  readonly listen: number;
  /** Two more, for those who insist on listening elsewhere too. */
  readonly egress: number;
  readonly admin: number;
}

/** A proxy that is configured by a file. */
interface ProxyKind {
  readonly name: string;
  readonly compilesAsItRuns?: boolean;
  readonly isOnRequest?: boolean;
  readonly versionCommand: () => readonly string[];
  /** Files in `peers/`, for what it can be had for. */
  readonly configuration: Readonly<Partial<Record<BenchMode, string>>>;
  /** Files in `peers/` that a configuration names, beside it. */
  readonly besides?: Readonly<Partial<Record<BenchMode, string>>>;
  /** Files without which it cannot be had in a mode. */
  readonly modules?: Readonly<Partial<Record<BenchMode, string>>>;
  readonly hasAdmin?: boolean;
  command(file: string, directory: string, ports: Ports): string[];
}

/** What stands in the tree, run as the image runs it, under a name for each way of configuring it. */
export function ourselves(
  name: string,
  configuration: ProxyKind['configuration'],
  isOnRequest = false,
): Peer {
  return proxy({
    name,
    compilesAsItRuns: true,
    isOnRequest,
    hasAdmin: true,
    versionCommand: () => [...shippedCommand(), '--version'],
    configuration,
    command: (file, _directory, ports) => [
      ...[...shippedCommand(), 'run', '-c', file],
      ...['--egress', `127.0.0.1:${ports.egress}`, '--admin', `127.0.0.1:${ports.admin}`],
    ],
  });
}

/** Starts with its configuration filled in. */
export function proxy(kind: ProxyKind): Peer {
  return {
    name: kind.name,
    compilesAsItRuns: kind.compilesAsItRuns ?? false,
    isOnRequest: kind.isOnRequest ?? false,
    version: (mode) => {
      if (kind.configuration[mode] === undefined) return { missing: 'it has nothing like that' };
      const module = kind.modules?.[mode] ?? null;
      if (module !== null && !existsSync(module)) return { missing: `there is no ${module}` };
      return firstLine(kind.versionCommand());
    },
    async start(mode, upstream, directory) {
      const listen = await freePort();
      // Destinations that the configuration does not name are called through the egress port.
      const egress = remembered[mode] === undefined ? await freePort() : listen;
      const ports = { listen, egress, admin: await freePort() };
      const values = valuesOf(mode, ports, upstream, directory);
      const beside = kind.besides?.[mode];
      if (beside !== undefined) writeConfiguration(beside, directory, values);
      const file = writeConfiguration(kind.configuration[mode]!, directory, values);
      const command = kind.command(file, directory, ports);
      const child = new PinnedProcess({ core: proxyCore, command, hasIpc: false });
      await child.listening(listen);
      const adminPort = kind.hasAdmin === true ? ports.admin : null;
      return { name: kind.name, port: listen, adminPort, process: child };
    },
  };
}

/** What stands in the configurations for each `${NAME}`. */
function valuesOf(mode: BenchMode, { listen }: Ports, upstream: BenchUpstream, directory: string) {
  const most = inFlight[mode] ?? usualInFlight;
  return {
    LISTEN_PORT: listen,
    UPSTREAM_PORT: upstream.port,
    CA_FILE: upstream.caFile,
    DIRECTORY: directory,
    IN_FLIGHT: most,
    IN_FLIGHT_AND_QUEUED: most + queued,
    CLIENT_BUFFER_BYTES: mode === 'slow' ? 32 * 1024 : 1024 * 1024,
    REMEMBERED: remembered[mode] ?? 0,
  };
}

/** Where the benches that Node programs take part in have their packages: `npm ci --prefix test/bench/peers`. */
const packages = fileURLToPath(new URL('./peers/node_modules/', import.meta.url));

/** A program of Node's in `peers/`, named as the package that it uses. */
export function nodeProgram(name: string, file: string): Peer {
  const program = fileURLToPath(new URL(`./peers/${file}`, import.meta.url));
  const installed = `${packages}${name}/package.json`;
  return {
    name,
    compilesAsItRuns: true,
    isOnRequest: false,
    version: (mode) => {
      if (mode !== 'http' && mode !== 'slow') return { missing: 'it has nothing like that' };
      if (!existsSync(installed)) return { missing: 'npm ci --prefix test/bench/peers brings it' };
      return (JSON.parse(readFileSync(installed, 'utf8')) as { version: string }).version;
    },
    async start(mode, upstream) {
      const port = await freePort();
      const most = inFlight[mode] ?? usualInFlight;
      const command = [process.execPath, program, ...[port, upstream.port, most].map(String)];
      const child = new PinnedProcess({ core: proxyCore, command, hasIpc: false });
      await child.listening(port);
      return { name, port, adminPort: null, process: child };
    },
  };
}

/** What a command says first, wherever it says it. */
function firstLine(command: readonly string[]): string | Absence {
  const [program = '', ...args] = command;
  const result = spawnSync(program, args, { encoding: 'utf8' });
  if (result.error !== undefined) return { missing: `there is no ${program}` };
  if (result.status !== 0) throw new Error(`${command.join(' ')} failed:\n${result.stderr}`);
  const line = `${result.stdout}${result.stderr}`.trim().split('\n', 1)[0] ?? '';
  // Some say where they stand, which is nobody's business.
  return line.replace(program, basename(program)).trim();
}
