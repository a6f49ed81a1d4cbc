/**
 * How long Outrigger's event loop makes others wait while much goes on at once: `npm run bench -- loop-delay`. A thousand
 * routes, all in use, 2,000 requests a second of which 5 % fail for good (each is tried again, and refused in the end), a
 * reader of `/events` as a dashboard is one, a reader of `/hystrix.stream`, and a scraper. Proxies in C have no such
 * figure: they take part in the other cases.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { fetchText, parseMetrics } from '../rig/metrics.ts';
import { StreamTap } from '../rig/stream-tap.ts';
import { type BenchCase, usual } from './cases.ts';
import { type Mix, measure, requestOf } from './measurement.ts';
import type { Peer, RunningPeer } from './peer-kinds.ts';
import { layOut } from './report.ts';
import type { Latency, UpstreamReady } from './rig-messages.ts';
import { startProgram } from './rig-program.ts';
import { quartiles } from './statistics.ts';
import { type Study, type StudyContext, tellAbsent } from './study.ts';

const ROUTES = 1000;
/** One in so many fails. */
const FAILING = 20;
const SCRAPE_MS = 5000;
const USUAL_SECONDS = 20;
/** Between two looks at the loop; what they measure contains this once. */
const RESOLUTION_MS = 10;
const TARGET_MS = 10;

const workload: BenchCase = {
  ...usual,
  name: 'loop-delay',
  title: 'one of 1,000 routes after the other',
  mode: 'routes',
  connections: 64,
  path: '/',
  perSecond: 2000,
};

/** What one run came to. Delays and latencies in ms. */
interface LoopFigures {
  readonly name: string;
  readonly version: string;
  /** Of each time between two scrapes, the 99th percentile of the looks in it. */
  readonly p99Ms: readonly number[];
  readonly maxMs: number;
  readonly busyRatio: number;
  /** Of the answers that were no failures. */
  readonly latency: Latency;
  readonly failureRatio: number;
  /** A second, to each reader. */
  readonly eventsBytes: number;
  readonly hystrixBytes: number;
}

/** Whether Outrigger's loop keeps its target. */
export const loopDelay: Study = {
  name: 'loop-delay',
  title: `${workload.perSecond} requests/s over ${ROUTES} routes, 5 % of them failing, with two streams and a scraper`,
  isUsual: true,
  async run(context) {
    const figures: LoopFigures[] = [];
    const ours = context.peers.find(({ name }) => name === 'outrigger');
    const version = ours?.version('routes') ?? {
      missing: 'it is the only one with such a figure, and not wanted',
    };
    if (ours === undefined || typeof version !== 'string') {
      tellAbsent('outrigger', typeof version === 'string' ? '' : version.missing);
    } else {
      figures.push({ name: ours.name, version, ...(await watchLoop(ours, context)) });
    }
    return { table: renderLoop(figures), figures };
  },
};

async function watchLoop(peer: Peer, context: StudyContext) {
  const upstream = startProgram('./path-upstream.ts');
  const { port } = await upstream.ask<UpstreamReady>(null, 10_000);
  const running = await peer.start('routes', { port, caFile: '' }, context.makeDirectory());
  const generator = startProgram('./generator.ts');
  const admin = { host: '127.0.0.1', port: running.adminPort! };
  const events = new StreamTap(admin, '/events', 'event: tick');
  const hystrix = new StreamTap(admin, '/hystrix.stream', '"HystrixCommand"');

  const load = (durationMs: number) => measure(generator, running, workload, durationMs, mixOf());
  // At its own rate: with more there would be no time left for what is to be compiled beside the requests.
  if (context.warmUpMs > 0) await load(context.warmUpMs);
  const durationMs = (context.seconds ?? USUAL_SECONDS) * 1000;
  const taken = [events.bytes, hystrix.bytes] as const;
  const [sample, delays] = await Promise.all([load(durationMs), scrapes(running, durationMs)]);
  const perSecond = (bytes: number): number => bytes / (durationMs / 1000);
  const figures = {
    p99Ms: delays.map(({ p99Ms }) => p99Ms),
    maxMs: Math.max(...delays.map(({ maxMs }) => maxMs)),
    busyRatio: sample.busyRatio,
    latency: sample.latency!,
    failureRatio: sample.failures / sample.requests,
    eventsBytes: perSecond(events.bytes - taken[0]),
    hystrixBytes: perSecond(hystrix.bytes - taken[1]),
  };
  const isRead = events.marks > 0 && hystrix.marks > 0;
  for (const tap of [events, hystrix]) tap.close();
  for (const program of [generator, running.process!, upstream]) await program.stop();
  if (!isRead) throw new Error('a stream brought nothing: the figures would be of something else');
  return figures;
}

/** Requests for one route after the other; those that fail are others in each turn, so that no breaker opens. */
export function mixOf(): Mix {
  const requests = Array.from({ length: ROUTES * FAILING }, (_, index) => {
    const turn = Math.floor(index / ROUTES);
    const isFailing = (index + turn) % FAILING === 0;
    return requestOf({ ...workload, path: `/r${index % ROUTES}/${isFailing ? 'fail' : 'items'}` });
  });
  return { requests, tolerated: 503 };
}

/** How long the loop made others wait since it was last asked: the program's own figures, in ms. */
export function delaysIn(metrics: string): { readonly p99Ms: number; readonly maxMs: number } {
  const samples = parseMetrics(metrics);
  const ms = (name: string): number => {
    const seconds = samples.find((sample) => sample.name === `nodejs_eventloop_lag_${name}_seconds`)?.value;
    if (seconds === undefined) throw new Error(`no nodejs_eventloop_lag_${name}_seconds on /metrics`);
    return Math.max(0, seconds * 1000 - RESOLUTION_MS);
  };
  return { p99Ms: ms('p99'), maxMs: ms('max') };
}

/** A scrape every few seconds, of which the first only begins the time that the second tells of. */
async function scrapes(running: RunningPeer, durationMs: number) {
  const admin = { host: '127.0.0.1', port: running.adminPort! };
  const scrape = async () => delaysIn((await fetchText(admin, '/metrics')).text);
  await scrape();
  const count = Math.max(1, Math.floor(durationMs / SCRAPE_MS));
  const everyMs = Math.min(SCRAPE_MS, durationMs);
  const delays: { readonly p99Ms: number; readonly maxMs: number }[] = [];
  for (let taken = 0; taken < count; taken++) {
    // Not quite so long, or the last would come when the load is over.
    await wait(everyMs * 0.95);
    delays.push(await scrape());
  }
  return delays;
}

function renderLoop(figures: readonly LoopFigures[]): string {
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB/s`;
  return layOut([
    [
      '',
      `loop p99 ms, median (aim: ≤ ${TARGET_MS})`,
      'highest of the p99',
      'longest',
      'core',
      'requests p50 ms',
      'p99 ms',
      'failed',
      '/events',
      '/hystrix.stream',
      'version',
    ],
    ...figures.map((each) => [
      each.name,
      quartiles(each.p99Ms).median.toFixed(1),
      Math.max(...each.p99Ms).toFixed(1),
      each.maxMs.toFixed(1),
      `${Math.round(each.busyRatio * 100)} %`,
      each.latency.p50.toFixed(2),
      each.latency.p99.toFixed(2),
      `${(each.failureRatio * 100).toFixed(1)} %`,
      mb(each.eventsBytes),
      mb(each.hystrixBytes),
      each.version,
    ]),
  ]);
}
