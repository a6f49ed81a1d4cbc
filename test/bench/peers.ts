import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BenchMode } from './cases.ts';
import { freePort, PinnedProcess } from './pinned-process.ts';

/** The core that the proxies have for themselves; everything else of the rig is on the other. */
export const proxyCore = 0;
export const rigCore = 1;

/** A way from the generator to the upstream. */
export interface Peer {
  readonly name: string;
  /** What it says of its version, in one line; null: it is not installed here for that. Throws when it is and does not run. */
  version(mode: BenchMode): string | null;
  /** Starts it and waits until it accepts connections. `directory` is for its configuration and whatever it writes. */
  start(mode: BenchMode, upstream: BenchUpstream, directory: string): Promise<RunningPeer>;
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

const launcher = fileURLToPath(new URL('../../bin/outrigger.js', import.meta.url));

/** The peer that the others are compared with. */
export const baseline = 'haproxy';

export const peers: readonly Peer[] = [
  ourselves('outrigger'),
  ourselves('outrigger-undici', ['http']),
  proxy({
    name: baseline,
    versionCommand: ['haproxy', '-v'],
    configuration: { http: 'haproxy.cfg', tcp: 'haproxy-tcp.cfg', tls: 'haproxy-tls.cfg' },
    command: (file) => ['haproxy', '-db', '-f', file],
  }),
  proxy({
    name: 'nginx',
    versionCommand: ['nginx', '-v'],
    configuration: { http: 'nginx.conf', tcp: 'nginx-tcp.conf', tls: 'nginx-tls.conf' },
    modules: { tcp: '/usr/lib/nginx/modules/ngx_stream_module.so' },
    command: (file, directory) => ['nginx', '-e', 'stderr', '-p', directory, '-c', file],
  }),
  {
    name: 'direct',
    // The generator speaks no TLS.
    version: (mode) => (mode === 'tls' ? null : 'no proxy'),
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
  readonly versionCommand: readonly string[];
  /** Files in `peers/`, with `${LISTEN_PORT}` and `${UPSTREAM_PORT}` where the ports belong. */
  readonly configuration: Readonly<Record<BenchMode, string>>;
  /** What it can be had for; default: everything. */
  readonly modes?: readonly BenchMode[];
  /** Files without which it cannot be had in a mode. */
  readonly modules?: Readonly<Partial<Record<BenchMode, string>>>;
  command(file: string, directory: string, ports: Ports): string[];
}

/** `name` is also that of the configuration. */
function ourselves(name: string, modes?: readonly BenchMode[]): Peer {
  return proxy({
    name,
    ...(modes === undefined ? {} : { modes }),
    versionCommand: [process.execPath, launcher, '--version'],
    configuration: { http: `${name}.yaml`, tcp: `${name}-tcp.yaml`, tls: `${name}-tls.yaml` },
    command: (file, _directory, ports) => [
      ...[process.execPath, launcher, 'run', '-c', file],
      ...['--egress', `127.0.0.1:${ports.egress}`, '--admin', `127.0.0.1:${ports.admin}`],
    ],
  });
}

function proxy(kind: ProxyKind): Peer {
  return {
    name: kind.name,
    version: (mode) => {
      if (kind.modes?.includes(mode) === false) return null;
      const module = kind.modules?.[mode] ?? null;
      return module === null || existsSync(module) ? firstLine(kind.versionCommand) : null;
    },
    async start(mode, upstream, directory) {
      const ports = {
        listen: await freePort(),
        upstream: upstream.port,
        egress: await freePort(),
        admin: await freePort(),
      };
      const file = writeConfiguration(kind.configuration[mode], directory, ports, upstream.caFile);
      const command = kind.command(file, directory, ports);
      const child = new PinnedProcess({ core: proxyCore, command, hasIpc: false });
      await child.listening(ports.listen);
      return { name: kind.name, port: ports.listen, process: child };
    },
  };
}

function writeConfiguration(name: string, directory: string, ports: Ports, caFile: string): string {
  const template = readFileSync(new URL(`./peers/${name}`, import.meta.url), 'utf8');
  const values: Record<string, string | number> = {
    LISTEN_PORT: ports.listen,
    UPSTREAM_PORT: ports.upstream,
    CA_FILE: caFile,
  };
  const file = join(directory, name);
  writeFileSync(
    file,
    template.replaceAll(/\$\{(\w+)\}/g, (_, key: string) => String(values[key])),
  );
  return file;
}

/** What a command says first, wherever it says it; null when there is no such command. */
function firstLine(command: readonly string[]): string | null {
  const [program = '', ...args] = command;
  const result = spawnSync(program, args, { encoding: 'utf8' });
  if (result.error !== undefined) return null;
  if (result.status !== 0) throw new Error(`${command.join(' ')} failed:\n${result.stderr}`);
  return `${result.stdout}${result.stderr}`.split('\n', 1)[0] ?? '';
}
