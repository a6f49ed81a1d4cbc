import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeAuthority, noCertificates } from '../rig/certificates.ts';
import type { BenchCase, BenchMode } from './cases.ts';
import { type Footprint, footprintOf } from './footprint.ts';
import { measure } from './measurement.ts';
import { type BenchUpstream, type Peer, type RunningPeer, rigCore } from './peers.ts';
import { freePort, PinnedProcess } from './pinned-process.ts';
import { busyNsOfMachine, usageOfTree } from './process-tree.ts';
import type { PeerSamples } from './report.ts';
import type { UpstreamReady } from './rig-messages.ts';

export interface Rounds {
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly seconds: number;
}

export interface Outcome {
  readonly results: readonly PeerSamples[];
  /** Cores that were busy with something else meanwhile. */
  readonly othersCores: number;
}

interface Entrant {
  readonly running: RunningPeer;
  readonly result: PeerSamples;
}

/** Puts every peer under the load of one case, in rounds that take turns. */
export async function runCase(
  workload: BenchCase,
  { peers, rounds, seconds }: Rounds,
  directory: string,
): Promise<Outcome> {
  const secured = workload.mode === 'tls' ? makeCertificates() : null;
  const files = secured === null ? [] : [secured.certFile, secured.keyFile];
  const { bodyBytes, requestBytes, mode } = workload;
  const upstream = program('./upstream.ts', String(Math.max(128, bodyBytes)), String(requestBytes), ...files);
  const listening = await upstream.ask<UpstreamReady>(null, 10_000);
  // A port on which nobody listens.
  const port = mode === 'refusing' ? await freePort() : listening.port;
  const generator = program('./generator.ts');
  const field = await startPeers(peers, mode, { port, caFile: secured?.caFile ?? '' }, directory);

  const others = watchOthers();
  // The first round lets compilers and caches settle, and is thrown away.
  for (let round = 0; round <= rounds; round++) {
    for (const { running, result } of field) {
      const sample = await measure(generator, running, workload, seconds * 1000);
      if (round > 0) result.samples.push(sample);
    }
    // The speed of a shared machine drifts: turning the order round keeps one peer from always coming first.
    field.reverse();
  }
  const othersCores = others();
  for (const { running } of field) await running.process?.stop();
  await generator.stop();
  await upstream.stop();
  return { results: inOrder(field, peers), othersCores };
}

function inOrder(field: readonly Entrant[], peers: readonly Peer[]): readonly PeerSamples[] {
  const place = ({ name }: PeerSamples): number => peers.findIndex((peer) => peer.name === name);
  return field.map(({ result }) => result).sort((a, b) => place(a) - place(b));
}

function program(file: string, ...args: string[]): PinnedProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return new PinnedProcess({ core: rigCore, command: [process.execPath, path, ...args], hasIpc: true });
}

/** A certificate for the upstream; who issued it is made with it, and goes with the run. */
function makeCertificates() {
  if (noCertificates !== false) throw new Error(noCertificates);
  const closers: (() => unknown)[] = [];
  const authority = makeAuthority({ after: (close) => closers.push(close) });
  process.once('exit', () => {
    for (const close of closers) close();
  });
  return { ...authority.issue({ names: ['DNS:items.example'] }), caFile: authority.own.certFile };
}

/** Starts those that are installed, and names the others. */
async function startPeers(
  wanted: readonly Peer[],
  mode: BenchMode,
  upstream: BenchUpstream,
  directory: string,
): Promise<Entrant[]> {
  const field: Entrant[] = [];
  for (const peer of wanted) {
    const version = peer.version(mode);
    if (typeof version !== 'string') {
      console.log(`skipped: ${peer.name}: ${version.missing}`);
      continue;
    }
    const own = mkdtempSync(join(directory, 'peer-'));
    const running = await peer.start(mode, upstream, own);
    field.push({ running, result: { name: peer.name, version, samples: [] } });
  }
  return field;
}

/** Starts watching; what it returns tells how many cores other programs have kept busy since. */
function watchOthers(): () => number {
  const now = () => ({
    at: performance.now(),
    othersNs: busyNsOfMachine() - usageOfTree(process.pid).cpuNs,
  });
  const before = now();
  return () => {
    const after = now();
    return Math.max(0, (after.othersNs - before.othersNs) / 1e6 / (after.at - before.at));
  };
}

/** What every peer of a footprint is measured with. */
export async function runFootprints(peers: readonly Peer[], directory: string): Promise<Footprint[]> {
  const upstream = program('./upstream.ts', '128', '0');
  const { port } = await upstream.ask<UpstreamReady>(null, 10_000);
  const generator = program('./generator.ts');
  const makeOne = (): string => mkdtempSync(join(directory, 'peer-'));
  const footprints: Footprint[] = [];
  for (const peer of peers) {
    const rig = { generator, upstream: { port, caFile: '' }, makeDirectory: makeOne };
    const footprint = await footprintOf(peer, rig);
    if ('missing' in footprint) console.log(`skipped: ${peer.name}: ${footprint.missing}`);
    else footprints.push(footprint);
  }
  await generator.stop();
  await upstream.stop();
  return footprints;
}

/** A folder for what the peers are configured with and write; it goes when the process does. */
export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-bench-'));
  mkdirSync(directory, { recursive: true });
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
