/**
 * A minute of slow clients beside a normal load, one proxy after the other: `npm run bench -- slow-clients`. It takes a
 * minute and a half for each, since peers that share a core and a minute would slow each other, and is therefore not in
 * the default set.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type BenchCase, usual } from './cases.ts';
import { measure, type Sample, usageOf } from './measurement.ts';
import type { BenchUpstream, Peer, RunningPeer } from './peer-kinds.ts';
import type { PinnedProcess } from './pinned-process.ts';
import { layOut } from './report.ts';
import {
  CROWD_PER_SECOND,
  type CrowdOrder,
  type CrowdTally,
  type Latency,
  type UpstreamReady,
} from './rig-messages.ts';
import { startProgram } from './rig-program.ts';
import { type Study, type StudyContext, tellAbsent } from './study.ts';

const SLOW_HEADS = 500;
const SLOW_READERS = 500;
/** A byte, and 64 KiB, a second. */
const EVERY_MS = 1000;
const USUAL_SECONDS = 60;
/** Part of the time that is looked at before the crowd comes. */
const CALM_SHARE = 1 / 4;

/** What those want who are not slow. */
const normal: BenchCase = {
  ...usual,
  name: 'slow-clients',
  title: 'normal load beside slow clients',
  mode: 'slow',
  path: '/items/42',
  perSecond: 500,
};

/** One stretch of normal load, with or without the crowd. */
interface Stretch {
  /** Of the proxy's core. */
  readonly busyRatio: number;
  readonly latency: Latency;
}

/** What became of one proxy. */
interface SlowFigures {
  readonly name: string;
  readonly version: string;
  readonly calm: Stretch;
  readonly beset: Stretch;
  /** The most that was seen beside the crowd, over what there was before it. */
  readonly grownBytes: number;
  readonly tally: CrowdTally;
}

/** A proxy that did not keep up the normal load, and how that showed. */
interface SlowFailure {
  readonly name: string;
  readonly version: string;
  readonly failed: string;
}

/** Slow clients, and what they do to the others. */
export const slowClients: Study = {
  name: 'slow-clients',
  title: `${SLOW_HEADS} slow heads and ${SLOW_READERS} slow readers beside ${normal.perSecond} requests/s`,
  isUsual: false,
  async run(context) {
    const figures: (SlowFigures | SlowFailure)[] = [];
    for (const peer of context.peers) {
      if (peer.name === 'direct') continue;
      const version = peer.version('slow');
      if (typeof version === 'string')
        figures.push({ name: peer.name, version, ...(await besiege(peer, context)) });
      else tellAbsent(peer.name, version.missing);
    }
    return { table: renderSlow(figures), figures };
  },
};

type Outcome = Omit<SlowFigures, 'name' | 'version'> | Pick<SlowFailure, 'failed'>;

async function besiege(peer: Peer, context: StudyContext): Promise<Outcome> {
  const upstreamProgram = startProgram('./path-upstream.ts');
  const { port } = await upstreamProgram.ask<UpstreamReady>(null, 10_000);
  const upstream: BenchUpstream = { port, caFile: '' };
  const running = await peer.start('slow', upstream, context.makeDirectory());
  const programs = [startProgram('./generator.ts'), startProgram('./slow-crowd.ts')] as const;
  try {
    return await stretches(peer, running, programs, context);
  } catch (error) {
    // Told in its line: the others are still of interest.
    return { failed: error instanceof Error ? error.message.split('\n', 1)[0]! : String(error) };
  } finally {
    for (const program of [...programs, upstreamProgram]) await program.stop();
    await running.process?.stop();
  }
}

async function stretches(
  peer: Peer,
  running: RunningPeer,
  [generator, crowd]: readonly [PinnedProcess, PinnedProcess],
  { warmUpMs, seconds }: StudyContext,
): Promise<Outcome> {
  const durationMs = (seconds ?? USUAL_SECONDS) * 1000;
  const load = (ms: number): Promise<Sample> => measure(generator, running, normal, ms);
  const closed = { ...normal, perSecond: null };
  if (warmUpMs > 0) await measure(generator, running, closed, peer.compilesAsItRuns ? warmUpMs : 1000);
  const calm = await load(durationMs * CALM_SHARE);
  const before = usageOf(running).residentBytes;
  const order: CrowdOrder = {
    kind: 'begin',
    port: running.port,
    slowHeads: SLOW_HEADS,
    slowReaders: SLOW_READERS,
    everyMs: EVERY_MS,
  };
  crowd.tell(order);
  const peak = watchMemory(running);
  await wait(((SLOW_HEADS + SLOW_READERS) / CROWD_PER_SECOND) * 1000);
  const beset = await load(durationMs).finally(() => peak.stop());
  const end: CrowdOrder = { kind: 'end' };
  const tally = await crowd.ask<CrowdTally>(end, 10_000);
  return {
    calm: stretchOf(calm),
    beset: stretchOf(beset),
    grownBytes: Math.max(peak.most(), beset.residentBytes) - before,
    tally,
  };
}

const stretchOf = ({ busyRatio, latency }: Sample): Stretch => ({ busyRatio, latency: latency! });

/** Looks once a second how much memory there is. */
function watchMemory(running: RunningPeer) {
  let most = 0;
  const abort = new AbortController();
  const watch = async (): Promise<void> => {
    while (!abort.signal.aborted) {
      most = Math.max(most, usageOf(running).residentBytes);
      await wait(1000, undefined, { signal: abort.signal }).catch(() => {});
    }
  };
  void watch();
  return { most: () => most, stop: () => abort.abort() };
}

/** The table for people. */
export function renderSlow(figures: readonly (SlowFigures | SlowFailure)[]): string {
  const percent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;
  return layOut([
    [
      '',
      'core, calm',
      'core, beset',
      'RSS grew by',
      'heads closed',
      'readers closed',
      'p99 ms, calm',
      'p99 ms, beset',
      'version',
    ],
    ...figures.map((each) => {
      if ('failed' in each) return [each.name, `normal load failed: ${each.failed}`];
      const { name, version, calm, beset, grownBytes, tally } = each;
      return [
        name,
        percent(calm.busyRatio),
        percent(beset.busyRatio),
        `${(grownBytes / 1e6).toFixed(1)} MB`,
        String(tally.slowHeadsClosed),
        String(tally.slowReadersClosed),
        calm.latency.p99.toFixed(2),
        beset.latency.p99.toFixed(2),
        version,
      ];
    }),
  ]);
}
