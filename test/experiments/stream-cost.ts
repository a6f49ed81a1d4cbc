/**
 * What the streams cost a process with a thousand commands that are all in use: its CPU time with readers less that
 * without, how long its loop makes others wait, what each reader gets, and whether its heap grows.
 *
 *     node test/experiments/stream-cost.ts [--short] [--seconds MAIN]
 *
 * Takes about 15 min, of which the main phase, with readers of both streams, takes 10; `--short` 2 min.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { usageOfTree } from '../bench/process-tree.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import type { Owner } from '../rig/owner.ts';
import type { ProcessReading } from '../rig/process-probe.ts';
import { type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';
import { type StreamTap, tapStream } from '../rig/stream-tap.ts';
import { atMost, type Figure, readOptions, reported, runArm, runExperiment } from './experiment.ts';

/** Each with nine routes and what no route matches: ten commands, and five bulkheads. */
const UPSTREAMS = 100;
const ROUTES = 9;
const COMMANDS = UPSTREAMS * (ROUTES + 1);
/** Requests a second, evenly over all commands: whatever a tick tells of has changed since the one before. */
const RATE = 400;
const READERS = 5;
const MIB = 2 ** 20;

const { isShort, seconds } = readOptions();
const phaseMs = isShort ? 15_000 : 45_000;
const mainMs = seconds === undefined ? (isShort ? phaseMs : 600_000) : seconds * 1000;
/** Latencies are kept for a minute: until then memory grows as it should. */
const warmUpMs = isShort ? 10_000 : 75_000;

const streams = {
  hystrix: { path: '/hystrix.stream', mark: '"HystrixCommand","name":"u0"', ticksPerSecond: 2 },
  events: { path: '/events', mark: 'event: tick', ticksPerSecond: 1 },
} as const;
type StreamName = keyof typeof streams;

interface Phase {
  readonly name: string;
  /** Share of one core, 0–1. */
  readonly cpuRatio: number;
  readonly looksP99Ms: number;
  readonly momentsP99Ms: number;
  readonly maxMs: number;
  /** After a collection, at the beginning and at the end of each stretch. */
  readonly heapsMib: readonly number[];
  readonly residentMib: readonly [before: number, after: number];
  readonly perReader: readonly {
    readonly stream: StreamName;
    readonly bytes: number;
    readonly ticks: number;
  }[];
  readonly elapsedMs: number;
}

interface PhasePlan {
  readonly name: string;
  readonly durationMs: number;
  readonly stretches?: number;
}

interface ProbedSidecar {
  readonly sidecar: SidecarProcess;
  readonly look: () => Promise<ProcessReading>;
}

/** The sidecar, and its answers to somebody who looks at it from within. */
const startProbedSidecar = async (owner: Owner, endpoint: string): Promise<ProbedSidecar> => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-probe-'));
  owner.after(() => rmSync(folder, { recursive: true }));
  const socketPath = join(folder, 'probe');
  const routes = Array.from({ length: ROUTES }, (_, index) => ({
    name: `r${index}`,
    match: { path: `/r${index}/*` },
    ...(index % 2 === 1 ? { bulkhead: { concurrency: 20 } } : {}),
  }));
  const upstreams = Object.fromEntries(
    Array.from({ length: UPSTREAMS }, (_, index) => [`u${index}`, { endpoints: [endpoint], routes }]),
  );
  const probe = pathToFileURL(join(import.meta.dirname, '../rig/process-probe.ts'));
  Object.assign(process.env, { NODE_OPTIONS: `--import ${probe}`, OUTRIGGER_PROBE: socketPath });
  const sidecar = await startSidecarProcess(owner, { log: { access: 'off' }, upstreams });
  delete process.env['NODE_OPTIONS'];
  const look = async (): Promise<ProcessReading> =>
    JSON.parse(await text(connect(socketPath))) as ProcessReading;
  return { sidecar, look };
};

interface Traffic {
  isOn: boolean;
  readonly tally: Record<string, number>;
}

/** Requests for one command after the other, at even distances. */
const startTraffic = (owner: Owner, sidecar: SidecarProcess): Traffic => {
  const caller = makeCaller(owner, sidecar.egress, 64);
  const traffic: Traffic = { isOn: false, tally: {} };
  let sent = 0;
  let due = 0;
  const timer = setInterval(() => {
    if (traffic.isOn) due += (RATE * 5) / 1000;
    for (; sent < due; sent += 1) {
      const command = (sent * 7) % COMMANDS;
      const path = `/r${command % (ROUTES + 1)}/x`;
      void caller.call({ host: `u${Math.floor(command / (ROUTES + 1))}`, path }).then((result) => {
        const key = result.kind === 'answer' ? String(result.status) : result.code;
        traffic.tally[key] = (traffic.tally[key] ?? 0) + 1;
      });
    }
  }, 5);
  owner.after(() => clearInterval(timer));
  return traffic;
};

/** Lets so much time go by, in stretches with a look at the end of each; the delays are those of the worst stretch. */
const lookOn = async (
  look: () => Promise<ProcessReading>,
  durationMs: number,
  stretches: number,
): Promise<ProcessReading[]> => {
  const startedAt = performance.now();
  const readings: ProcessReading[] = [];
  for (let stretch = 1; stretch < stretches; stretch += 1) {
    await wait(startedAt + (durationMs * stretch) / stretches - performance.now());
    readings.push(await look());
  }
  await wait(startedAt + durationMs - performance.now());
  return readings;
};

const measure = async (
  { sidecar, look }: ProbedSidecar,
  { name, durationMs, stretches = 1 }: PhasePlan,
  taps: readonly (readonly [StreamName, StreamTap])[],
): Promise<Phase> => {
  const residentBefore = sidecar.memory.now;
  const first = await look();
  const seen = taps.map(([, { bytes, marks }]) => ({ bytes, marks }));
  const cpuBefore = usageOfTree(sidecar.child.pid!).cpuNs;
  const startedAt = performance.now();
  const readings = await lookOn(look, durationMs, stretches);
  const elapsedMs = performance.now() - startedAt;
  const cpuRatio = (usageOfTree(sidecar.child.pid!).cpuNs - cpuBefore) / 1e6 / elapsedMs;
  const perReader = taps.map(([stream, tap], index) => ({
    stream,
    bytes: tap.bytes - seen[index]!.bytes,
    ticks: tap.marks - seen[index]!.marks,
  }));
  readings.push(await look());
  const worst = (figure: (reading: ProcessReading) => number): number => Math.max(...readings.map(figure));
  return {
    name,
    cpuRatio,
    looksP99Ms: worst(({ looksP99Ms }) => looksP99Ms),
    momentsP99Ms: worst(({ momentsP99Ms }) => momentsP99Ms),
    maxMs: worst(({ maxMs }) => maxMs),
    heapsMib: [first, ...readings].map(({ heapBytes }) => heapBytes / MIB),
    residentMib: [residentBefore, sidecar.memory.now],
    perReader,
    elapsedMs,
  };
};

const percentOfCore = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;

const kibPerSecond = ({ perReader, elapsedMs }: Phase, wanted: StreamName): string => {
  const rates = perReader
    .filter(({ stream }) => stream === wanted)
    .map(({ bytes }) => bytes / 1024 / (elapsedMs / 1000));
  return rates.length === 0
    ? ''
    : `${(rates.reduce((sum, rate) => sum + rate, 0) / rates.length).toFixed(0)}`;
};

/** Ticks that the slowest reader of a stream took, by those that there were. */
const ticksTaken = ({ perReader, elapsedMs }: Phase, wanted: StreamName): number => {
  const due = (streams[wanted].ticksPerSecond * elapsedMs) / 1000;
  const taken = perReader.filter(({ stream }) => stream === wanted).map(({ ticks }) => ticks / due);
  return Math.min(...taken);
};

/** The last third of the samples less the first, in MiB. */
const growthMib = (heapsMib: readonly number[]): number => {
  const third = Math.floor(heapsMib.length / 3);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  return mean(heapsMib.slice(-third)) - mean(heapsMib.slice(0, third));
};

const describe = (phase: Phase, cpuWithoutReaders: number | null): Figure[] => {
  const { name, cpuRatio, looksP99Ms, momentsP99Ms, maxMs, heapsMib, residentMib, perReader } = phase;
  const delays = [looksP99Ms, momentsP99Ms, maxMs].map((ms) => ms.toFixed(1)).join(', ');
  const heap = `${heapsMib[0]?.toFixed(1)} to ${heapsMib.at(-1)?.toFixed(1)}`;
  const extra =
    cpuWithoutReaders === null ? '' : `, ${percentOfCore(cpuRatio - cpuWithoutReaders)} of it for readers`;
  const kinds = (Object.keys(streams) as StreamName[]).filter((stream) =>
    perReader.some((reader) => reader.stream === stream),
  );
  return [
    reported(`${name}: of a core`, percentOfCore(cpuRatio) + extra),
    reported(`${name}: loop delay, ms: p99 of looks, p99 of moments, most`, delays),
    reported(`${name}: heap after a collection, resident, MiB`, `${heap}; ${residentMib.join(' to ')}`),
    ...kinds.map((stream) =>
      reported(
        `${name}: KiB a second to each reader of ${streams[stream].path}; ticks that the slowest took`,
        `${kibPerSecond(phase, stream)}; ${percentOfCore(ticksTaken(phase, stream))}`,
      ),
    ),
  ];
};

await runExperiment(
  `streams of ${COMMANDS} commands, ${RATE} requests/s over all of them`,
  async (owner) => {
    const upstream = await startHttpUpstream(owner, (_call, response) => {
      setTimeout(() => response.end('ok'), 2 + Math.random() * 40);
      // Only the counts are of interest here; the calls themselves would fill this process.
      upstream.calls.length = 0;
    });
    const probed = await startProbedSidecar(owner, upstream.address);
    const traffic = startTraffic(owner, probed.sidecar);
    const phase = (name: string, readers: readonly StreamName[], plan?: Partial<PhasePlan>): Promise<Phase> =>
      runArm(owner, name, async (armOwner) => {
        const taps = readers.map((stream) => {
          const { path, mark } = streams[stream];
          return [stream, tapStream(armOwner, probed.sidecar.admin, path, mark)] as const;
        });
        await wait(2000);
        return measure(probed, { name, durationMs: phaseMs, ...plan }, taps);
      });
    const five = (stream: StreamName): StreamName[] => Array.from({ length: READERS }, () => stream);

    const idle = await phase('idle, never read', []);
    traffic.isOn = true;
    await wait(warmUpMs);
    const before = await phase('no reader', []);
    const hystrix = await phase('5 of /hystrix.stream', five('hystrix'));
    const events = await phase('5 of /events', five('events'));
    const both = await phase('5 + 5', [...five('hystrix'), ...five('events')], {
      durationMs: mainMs,
      stretches: isShort ? 6 : 30,
    });
    const after = await phase('no reader again', []);
    traffic.isOn = false;
    await wait(isShort ? 2000 : 15_000);
    const idleAgain = await phase('idle again', []);

    const base = (before.cpuRatio + after.cpuRatio) / 2;
    const growth = growthMib(both.heapsMib);
    const share = ({ cpuRatio }: Phase): number => (cpuRatio - base) * 100;
    return [
      ...[idle, before, hystrix, events, both, after, idleAgain].flatMap((each) =>
        describe(each, each.perReader.length === 0 ? null : base),
      ),
      reported('answers', JSON.stringify(traffic.tally)),
      ...[hystrix, events].flatMap((each) => [
        atMost(`${each.name}: % of a core for them`, share(each), 10),
        atMost(`${each.name}: loop delay, p99 of moments, ms`, each.momentsP99Ms, 10),
      ]),
      isShort
        ? reported('5 + 5: growth of the heap from the first third to the last, MiB', growth)
        : atMost('5 + 5: growth of the heap from the first third to the last, MiB', growth, 1),
    ];
  },
  mainMs + 8 * phaseMs + warmUpMs + 120_000,
);
