import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundledProgram } from './bundled-program.ts';
import type { BenchMode } from './cases.ts';
import { writeConfiguration } from './configuration-file.ts';
import { freePort, PinnedProcess } from './pinned-process.ts';

/** The core that the proxies have for themselves; everything else of the rig is on the other. */
export const proxyCore = 0;
export const rigCore = 1;

/** A way from the generator to the upstream. */
export interface Peer {
  readonly name: string;
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
  /** null: nothing stands between the generator and the upstream. */
  readonly process: PinnedProcess | null;
}

/** The peer that the others are compared with. */
export const baseline = 'haproxy';

/** Where the benches that Node programs take part in have their packages: `npm ci --prefix test/bench/peers`. */
const packages = fileURLToPath(new URL('./peers/node_modules/', import.meta.url));
const envoy = process.env['OUTRIGGER_BENCH_ENVOY'] ?? 'envoy';

export const peers: readonly Peer[] = [
  ourselves('outrigger', {
    http: 'outrigger.yaml',
    refusing: 'outrigger-refusing.yaml',
    routes: 'outrigger-routes.yaml',
    tcp: 'outrigger-tcp.yaml',
    tls: 'outrigger-tls.yaml',
  }),
  ourselves('outrigger-undici', { http: 'outrigger-undici.yaml' }),
  proxy({
    name: baseline,
    versionCommand: () => ['haproxy', '-v'],
    configuration: {
      http: 'haproxy.cfg',
      refusing: 'haproxy.cfg',
      routes: 'haproxy-routes.cfg',
      tcp: 'haproxy-tcp.cfg',
      tls: 'haproxy-tls.cfg',
    },
    besides: { routes: 'haproxy-routes.map' },
    command: (file) => ['haproxy', '-db', '-f', file],
  }),
  proxy({
    name: 'nginx',
    versionCommand: () => ['nginx', '-v'],
    configuration: {
      http: 'nginx.conf',
      routes: 'nginx-routes.conf',
      tcp: 'nginx-tcp.conf',
      tls: 'nginx-tls.conf',
    },
    modules: { tcp: '/usr/lib/nginx/modules/ngx_stream_module.so' },
    command: (file, directory) => ['nginx', '-e', 'stderr', '-p', directory, '-c', file],
  }),
  proxy({
    name: 'envoy',
    versionCommand: () => [envoy, '--version'],
    configuration: {
      http: 'envoy.yaml',
      refusing: 'envoy.yaml',
      routes: 'envoy-routes.yaml',
      tcp: 'envoy-tcp.yaml',
      tls: 'envoy-tls.yaml',
    },
    command: (file) => [envoy, '-c', file, '--concurrency', '1', '--disable-hot-restart', '-l', 'error'],
  }),
  nodeProgram('http-proxy-3', 'http-proxy-3.js'),
  nodeProgram('@fastify/http-proxy', 'fastify-http-proxy.js'),
  {
    name: 'direct',
    // The generator speaks no TLS, and without an upstream nobody answers.
    version: (mode) =>
      mode === 'tls' || mode === 'refusing' ? { missing: 'there is nothing to ask' } : 'no proxy',
    start: async (_mode, { port }) => ({ name: 'direct', port, process: null }),
  },
];

interface Ports {
  readonly listen: number;
  readonly upstream: number;
  /** Two more, for those who insist on listening elsewhere too. */
  readonly egress: number;
  readonly admin: number;
}

interface ProxyKind {
  readonly name: string;
  readonly versionCommand: () => readonly string[];
  /** Files in `peers/`, for what it can be had for. */
  readonly configuration: Readonly<Partial<Record<BenchMode, string>>>;
  /** Files in `peers/` that a configuration names, beside it. */
  readonly besides?: Readonly<Partial<Record<BenchMode, string>>>;
  /** Files without which it cannot be had in a mode. */
  readonly modules?: Readonly<Partial<Record<BenchMode, string>>>;
  command(file: string, directory: string, ports: Ports): string[];
}

function ourselves(name: string, configuration: ProxyKind['configuration']): Peer {
  return proxy({
    name,
    versionCommand: () => [process.execPath, bundledProgram(), '--version'],
    configuration,
    command: (file, _directory, ports) => [
      ...[process.execPath, bundledProgram(), 'run', '-c', file],
      ...['--egress', `127.0.0.1:${ports.egress}`, '--admin', `127.0.0.1:${ports.admin}`],
    ],
  });
}

function proxy(kind: ProxyKind): Peer {
  return {
    name: kind.name,
    version: (mode) => {
      if (kind.configuration[mode] === undefined) return { missing: 'it has nothing like that' };
      const module = kind.modules?.[mode] ?? null;
      if (module !== null && !existsSync(module)) return { missing: `there is no ${module}` };
      return firstLine(kind.versionCommand());
    },
    async start(mode, upstream, directory) {
      const ports = {
        listen: await freePort(),
        upstream: upstream.port,
        egress: await freePort(),
        admin: await freePort(),
      };
      const values = {
        LISTEN_PORT: ports.listen,
        UPSTREAM_PORT: ports.upstream,
        CA_FILE: upstream.caFile,
        DIRECTORY: directory,
      };
      const beside = kind.besides?.[mode];
      if (beside !== undefined) writeConfiguration(beside, directory, values);
      const file = writeConfiguration(kind.configuration[mode]!, directory, values);
      const command = kind.command(file, directory, ports);
      const child = new PinnedProcess({ core: proxyCore, command, hasIpc: false });
      await child.listening(ports.listen);
      return { name: kind.name, port: ports.listen, process: child };
    },
  };
}

/** A program of Node's in `peers/`, named as the package that it uses. */
function nodeProgram(name: string, file: string): Peer {
  const program = fileURLToPath(new URL(`./peers/${file}`, import.meta.url));
  const installed = `${packages}${name}/package.json`;
  return {
    name,
    version: (mode) => {
      if (mode !== 'http') return { missing: 'it has nothing like that' };
      if (!existsSync(installed)) return { missing: 'npm ci --prefix test/bench/peers brings it' };
      return (JSON.parse(readFileSync(installed, 'utf8')) as { version: string }).version;
    },
    async start(_mode, upstream) {
      const port = await freePort();
      const command = [process.execPath, program, String(port), String(upstream.port)];
      const child = new PinnedProcess({ core: proxyCore, command, hasIpc: false });
      await child.listening(port);
      return { name, port, process: child };
    },
  };
}

/** What a command says first, wherever it says it. */
function firstLine(command: readonly string[]): string | Absence {
  const [program = '', ...args] = command;
  const result = spawnSync(program, args, { encoding: 'utf8' });
  if (result.error !== undefined) return { missing: `there is no ${program}` };
  if (result.status !== 0) throw new Error(`${command.join(' ')} failed:\n${result.stderr}`);
  return `${result.stdout}${result.stderr}`.trim().split('\n', 1)[0] ?? '';
}
