/**
 * What ten thousand destinations leave behind that no configuration names: `npm run bench -- hosts`. They are addresses
 * of 127.0.0.0/8, all of which are this machine, so that nobody has to resolve anything. Where it is named there is a
 * second pass over the same destinations, and Envoy takes part, which alone takes two minutes: the more it remembers, the
 * longer it takes over one more.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type BenchCase, type BenchMode, usual } from './cases.ts';
import { measure, usageOf } from './measurement.ts';
import type { BenchUpstream, Peer } from './peer-kinds.ts';
import type { PinnedProcess } from './pinned-process.ts';
import { layOut } from './report.ts';
import type { UpstreamReady } from './rig-messages.ts';
import { startProgram } from './rig-program.ts';
import { type Study, type StudyContext, tellAbsent } from './study.ts';

const HOSTS = 10_000;
const PER_SECOND = 4000;
/** Until a pass to one destination has settled. */
const BREATH_MS = 1000;
/** Until the idle connections are closed that were opened, which all of them keep for 4 s. */
const REST_MS = 5500;

/** A pass of so many requests at an even pace. */
const workload: BenchCase = {
  ...usual,
  name: 'hosts',
  title: `${HOSTS} destinations`,
  mode: 'hosts',
  path: '/',
  perSecond: PER_SECOND,
};

/** What each mode is called in the table. */
const bounds: readonly (readonly [BenchMode, string])[] = [
  ['hosts', '256'],
  ['hosts-all', '10,000'],
];

/** Sizes in bytes, against what the same number of requests to one destination had left. */
interface HostsGrowth {
  readonly name: string;
  readonly version: string;
  /** How many destinations it may remember, where it remembers any. */
  readonly bound: string;
  /** When the last one had answered. */
  readonly atOnceBytes: number;
  /** When idle connections were closed. */
  readonly laterBytes: number;
  /** After a second pass over the same destinations: what still grows here may well go on growing. null: there was none. */
  readonly secondPassBytes: number | null;
}

const tooLong = { missing: 'it takes two minutes: bench hosts' };

/** Memory with ten thousand destinations, bounded as by default and with room for all. */
export const manyHosts: Study = {
  name: 'hosts',
  title: `memory with ${HOSTS} destinations that nothing names`,
  isUsual: true,
  async run(context) {
    const upstream = startProgram('./path-upstream.ts', '0.0.0.0');
    const { port } = await upstream.ask<UpstreamReady>(null, 10_000);
    const generator = startProgram('./generator.ts');
    const growths: HostsGrowth[] = [];
    for (const [mode, bound] of bounds) {
      for (const peer of context.peers) {
        if (peer.name === 'direct') continue;
        const version = peer.name === 'envoy' && !context.isNamed ? tooLong : peer.version(mode);
        if (typeof version !== 'string') {
          tellAbsent(`${peer.name}, ${bound} remembered`, version.missing);
          continue;
        }
        const grown = await growthOf(peer, mode, { generator, upstream: { port, caFile: '' }, context });
        growths.push({ name: peer.name, version, bound, ...grown });
      }
    }
    await generator.stop();
    await upstream.stop();
    return { table: renderGrowths(growths), figures: growths };
  },
};

interface HostsRig {
  readonly generator: PinnedProcess;
  readonly upstream: BenchUpstream;
  readonly context: StudyContext;
}

async function growthOf(peer: Peer, mode: BenchMode, { generator, upstream, context }: HostsRig) {
  const running = await peer.start(mode, upstream, context.makeDirectory());
  const durationMs = (HOSTS / PER_SECOND) * 1000;
  const pass = (requests: readonly string[]) =>
    measure(generator, running, workload, durationMs, { requests, tolerated: null });
  await pass([requestTo(0, upstream.port)]);
  await wait(BREATH_MS);
  const before = usageOf(running).residentBytes;
  const all = requestsToAll(upstream.port);
  const passAndRest = async () => {
    const { residentBytes } = await pass(all);
    await wait(REST_MS);
    return { atOnceBytes: residentBytes - before, laterBytes: usageOf(running).residentBytes - before };
  };
  const first = await passAndRest();
  const secondPassBytes = context.isNamed ? (await passAndRest()).laterBytes : null;
  await running.process?.stop();
  return { ...first, secondPassBytes };
}

/** One request for each destination, as a client of a proxy sends it. */
export function requestsToAll(port: number): string[] {
  return Array.from({ length: HOSTS }, (_, index) => requestTo(index, port));
}

function requestTo(index: number, port: number): string {
  // From 127.1.0.1 on, without the first and the last of a block: some programs do not take those for hosts.
  const host = `127.1.${Math.floor(index / 250)}.${1 + (index % 250)}:${port}`;
  return `GET http://${host}/items HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: outrigger-bench\r\n\r\n`;
}

function renderGrowths(growths: readonly HostsGrowth[]): string {
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  return layOut([
    ['', 'remembers', 'right after', 'later', 'later, per destination', 'second pass', 'version'],
    ...growths.map(({ name, version, bound, atOnceBytes, laterBytes, secondPassBytes }) => [
      name,
      bound,
      mb(atOnceBytes),
      mb(laterBytes),
      `${(laterBytes / HOSTS / 1024).toFixed(2)} KiB`,
      secondPassBytes === null ? '-' : mb(secondPassBytes),
      version,
    ]),
  ]);
}
