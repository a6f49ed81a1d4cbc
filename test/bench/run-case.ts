import { makeAuthority, noCertificates } from '../rig/certificates.ts';
import type { BenchCase, BenchMode } from './cases.ts';
import { measure } from './measurement.ts';
import type { BenchUpstream, Peer, RunningPeer } from './peer-kinds.ts';
import { freePort, type PinnedProcess } from './pinned-process.ts';
import { watchOthers } from './process-tree.ts';
import type { PeerSamples } from './report.ts';
import type { UpstreamReady } from './rig-messages.ts';
import { startProgram } from './rig-program.ts';
import { tellAbsent } from './study.ts';

export interface Rounds {
  readonly peers: readonly Peer[];
  readonly rounds: number;
  readonly seconds: number;
  /** Load before counting begins, for those that are compiled while they run; the others get a second of it at most. */
  readonly warmUpMs: number;
  readonly makeDirectory: () => string;
}

/** The part of the warm-up whose cost is told: what is asked of a proxy that has just been started. */
export const COLD_MS = 1000;

export interface Outcome {
  readonly results: readonly PeerSamples[];
  /** Cores that were busy with something else meanwhile. */
  readonly othersCores: number;
}

interface Entrant {
  readonly peer: Peer;
  readonly running: RunningPeer;
  readonly result: PeerSamples;
}

/** Puts every peer under the load of one case: first each until it has settled, then all in rounds that take turns. */
export async function runCase(workload: BenchCase, how: Rounds): Promise<Outcome> {
  const { peers, rounds, seconds } = how;
  const secured = workload.mode === 'tls' ? makeCertificates() : null;
  const files = secured === null ? [] : [secured.certFile, secured.keyFile];
  const { bodyBytes, requestBytes, mode } = workload;
  const upstream = startProgram(
    './upstream.ts',
    String(Math.max(128, bodyBytes)),
    String(requestBytes),
    ...files,
  );
  const listening = await upstream.ask<UpstreamReady>(null, 10_000);
  // A port on which nobody listens.
  const port = mode === 'refusing' ? await freePort() : listening.port;
  const generator = startProgram('./generator.ts');
  const field = await startPeers(how, mode, { port, caFile: secured?.caFile ?? '' });

  const others = watchOthers();
  await warmUp(field, workload, generator, how.warmUpMs);
  for (let round = 0; round < rounds; round++) {
    for (const { running, result } of field) {
      result.samples.push(await measure(generator, running, workload, seconds * 1000));
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

/**
 * The first second of all of them is a round of its own, so that its figures may be compared. What is left of the
 * warm-up is for those that compile, under as much load as they can take: the sooner they are done.
 */
async function warmUp(
  field: readonly Entrant[],
  workload: BenchCase,
  generator: PinnedProcess,
  warmUpMs: number,
): Promise<void> {
  const coldMs = Math.min(warmUpMs, COLD_MS);
  if (coldMs === 0) return;
  for (const { running, result } of field) {
    // Without a proxy nothing is cold.
    if (running.process !== null) result.cold = await measure(generator, running, workload, coldMs);
  }
  if (warmUpMs === coldMs) return;
  for (const { peer, running } of field) {
    if (!peer.compilesAsItRuns) continue;
    await measure(generator, running, { ...workload, perSecond: null }, warmUpMs - coldMs);
  }
}

function inOrder(field: readonly Entrant[], peers: readonly Peer[]): readonly PeerSamples[] {
  const place = ({ name }: PeerSamples): number => peers.findIndex((peer) => peer.name === name);
  return field.map(({ result }) => result).sort((a, b) => place(a) - place(b));
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
  { peers, makeDirectory }: Rounds,
  mode: BenchMode,
  upstream: BenchUpstream,
): Promise<Entrant[]> {
  const field: Entrant[] = [];
  for (const peer of peers) {
    const version = peer.version(mode);
    if (typeof version !== 'string') {
      tellAbsent(peer.name, version.missing);
      continue;
    }
    const running = await peer.start(mode, upstream, makeDirectory());
    field.push({ peer, running, result: { name: peer.name, version, cold: null, samples: [] } });
  }
  return field;
}
