/**
 * What a proxy takes before and beside its requests: memory when it has started, after load, for each idle connection and
 * for a thousand routes; and how long it takes to its first answer. `npm run bench -- footprint`.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { cases } from './cases.ts';
import { firstAnswer } from './first-answer.ts';
import { measure, usageOf } from './measurement.ts';
import type { Absence, BenchUpstream, Peer, RunningPeer } from './peer-kinds.ts';
import type { PinnedProcess } from './pinned-process.ts';
import { layOut, spread } from './report.ts';
import type { UpstreamReady } from './rig-messages.ts';
import { startProgram } from './rig-program.ts';
import { type Quartiles, quartiles } from './statistics.ts';
import { type Study, tellAbsent } from './study.ts';

/** How often each is started, to see how long that takes. */
const STARTS = 7;
const IDLE_CONNECTIONS = 2000;
const BATCH = 50;
const LOAD_MS = 3000;
/** Until what a start has left behind is collected. */
const REST_MS = 1000;

/** What one peer takes. Sizes in bytes; NaN: it has nothing like that. */
export interface Footprint {
  readonly name: string;
  readonly version: string;
  readonly firstAnswerMs: Quartiles;
  readonly idleBytes: number;
  readonly afterLoadBytes: number;
  readonly perConnectionBytes: number;
  readonly routesBytes: number;
}

interface FootprintRig {
  readonly generator: PinnedProcess;
  readonly upstream: BenchUpstream;
  readonly makeDirectory: () => string;
}

/** What a proxy takes beside its requests, with the upstream and the generator of the other cases. */
export const footprint: Study = {
  name: 'footprint',
  title: 'what a proxy takes beside its requests',
  isUsual: true,
  async run({ peers, makeDirectory }) {
    const upstream = startProgram('./upstream.ts', '128', '0');
    const { port } = await upstream.ask<UpstreamReady>(null, 10_000);
    const generator = startProgram('./generator.ts');
    const footprints: Footprint[] = [];
    for (const peer of peers) {
      if (peer.name === 'direct') continue;
      const found = await footprintOf(peer, { generator, upstream: { port, caFile: '' }, makeDirectory });
      if ('missing' in found) tellAbsent(peer.name, found.missing);
      else footprints.push(found);
    }
    await generator.stop();
    await upstream.stop();
    return { table: renderFootprints(footprints), figures: footprints };
  },
};

async function footprintOf(peer: Peer, rig: FootprintRig): Promise<Footprint | Absence> {
  const version = peer.version('http');
  if (typeof version !== 'string') return version;
  const starts: number[] = [];
  // The first start reads the files from the disk, and is thrown away.
  for (let run = 0; run <= STARTS; run++) {
    const startedAt = performance.now();
    const running = await peer.start('http', rig.upstream, rig.makeDirectory());
    await firstAnswer(running.port);
    if (run > 0) starts.push(performance.now() - startedAt);
    await running.process?.stop();
  }
  const running = await peer.start('http', rig.upstream, rig.makeDirectory());
  await wait(REST_MS);
  const idleBytes = usageOf(running).residentBytes;
  const perConnectionBytes = await perConnection(running);
  const load = cases.find(({ name }) => name === 'keepalive')!;
  const { residentBytes: afterLoadBytes } = await measure(rig.generator, running, load, LOAD_MS);
  await running.process?.stop();
  return {
    name: peer.name,
    version,
    firstAnswerMs: quartiles(starts),
    idleBytes,
    afterLoadBytes,
    perConnectionBytes,
    routesBytes: (await idleWithRoutes(peer, rig)) - idleBytes,
  };
}

async function idleWithRoutes(peer: Peer, { upstream, makeDirectory }: FootprintRig): Promise<number> {
  if (typeof peer.version('routes') !== 'string') return Number.NaN;
  const running = await peer.start('routes', upstream, makeDirectory());
  await wait(REST_MS);
  const bytes = usageOf(running).residentBytes;
  await running.process?.stop();
  return bytes;
}

/**
 * Connections that have asked once and stay: the second two thousand. The first bring with them what a program needs but
 * once, as its first two thousand requests.
 */
async function perConnection(running: RunningPeer): Promise<number> {
  const beforehand = await openIdle(running.port, IDLE_CONNECTIONS);
  const before = usageOf(running).residentBytes;
  const counted = await openIdle(running.port, IDLE_CONNECTIONS);
  const after = usageOf(running).residentBytes;
  for (const socket of [...beforehand, ...counted]) socket.destroy();
  return (after - before) / IDLE_CONNECTIONS;
}

/** So many at a time, so that no proxy has to make anybody wait. */
async function openIdle(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let opened = 0; opened < count; opened += BATCH) {
    sockets.push(...(await Promise.all(Array.from({ length: BATCH }, () => askOnce(port)))));
  }
  return sockets;
}

/** A connection on which one request was answered. */
async function askOnce(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.write('GET / HTTP/1.1\r\nHost: items.example\r\n\r\n');
  await once(socket, 'data');
  return socket.on('error', () => {});
}

/** The table for people. */
function renderFootprints(footprints: readonly Footprint[]): string {
  const mb = (bytes: number): string => (Number.isNaN(bytes) ? '-' : `${(bytes / 1e6).toFixed(1)} MB`);
  const kib = (bytes: number): string => (Number.isNaN(bytes) ? '-' : `${(bytes / 1024).toFixed(1)} KiB`);
  return layOut([
    ['', 'first answer, ms', 'idle', 'after load', 'idle connection', '1,000 routes', 'version'],
    ...footprints.map((each) => [
      each.name,
      spread(each.firstAnswerMs, 0),
      mb(each.idleBytes),
      mb(each.afterLoadBytes),
      kib(each.perConnectionBytes),
      mb(each.routesBytes),
      each.version,
    ]),
  ]);
}
