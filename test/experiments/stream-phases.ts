/** What `stream-cost.ts` measures: a stretch of time with a certain crowd of readers, seen from outside and from within. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { usageOfTree } from '../bench/process-tree.ts';
import type { Owner } from '../rig/owner.ts';
import type { ProcessReading } from '../rig/process-probe.ts';
import type { ConfigText } from '../rig/sidecar.ts';
import { type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';
import type { StreamTap } from '../rig/stream-tap.ts';

const MIB = 2 ** 20;

/** The streams, and something that each of their ticks holds once. */
export const streams = {
  hystrix: { path: '/hystrix.stream', mark: '"HystrixCommand","name":"u0"', ticksPerSecond: 2 },
  events: { path: '/events', mark: 'event: tick', ticksPerSecond: 1 },
} as const;

export type StreamName = keyof typeof streams;

/** What a stretch of time came to. */
export interface Phase {
  readonly name: string;
  /** Share of one core, 0–1. */
  readonly cpuRatio: number;
  /** Share of the time in which its main thread was ready to run and had to wait for a core: the machine's doing. */
  readonly waitedRatio: number;
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

/** In how many stretches it is looked at from within: each look collects the heap. */
export interface PhasePlan {
  readonly name: string;
  readonly durationMs: number;
  readonly stretches?: number;
}

/** The sidecar, and its answers to somebody who looks at it from within. */
export interface ProbedSidecar {
  readonly sidecar: SidecarProcess;
  readonly look: () => Promise<ProcessReading>;
}

/** Starts the sidecar with {@link ProcessReading}s to be had of it. */
export const startProbedSidecar = async (owner: Owner, config: ConfigText): Promise<ProbedSidecar> => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-probe-'));
  owner.after(() => rmSync(folder, { recursive: true }));
  const socketPath = join(folder, 'probe');
  const probe = pathToFileURL(join(import.meta.dirname, '../rig/process-probe.ts'));
  Object.assign(process.env, { NODE_OPTIONS: `--import ${probe}`, OUTRIGGER_PROBE: socketPath });
  const sidecar = await startSidecarProcess(owner, config);
  delete process.env['NODE_OPTIONS'];
  const look = async (): Promise<ProcessReading> =>
    JSON.parse(await text(connect(socketPath))) as ProcessReading;
  return { sidecar, look };
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

/** How long the main thread has waited for a core, in ms. */
const waitedMs = (pid: number): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'latin1').split(' ')[1]) / 1e6;

/** Lets the time of a phase go by, and tells what it came to. */
export const measurePhase = async (
  { sidecar, look }: ProbedSidecar,
  { name, durationMs, stretches = 1 }: PhasePlan,
  taps: readonly (readonly [StreamName, StreamTap])[],
): Promise<Phase> => {
  const residentBefore = sidecar.memory.now;
  const first = await look();
  const seen = taps.map(([, { bytes, marks }]) => ({ bytes, marks }));
  const pid = sidecar.child.pid!;
  const cpuBefore = usageOfTree(pid).cpuNs;
  const waitedBefore = waitedMs(pid);
  const startedAt = performance.now();
  const readings = await lookOn(look, durationMs, stretches);
  const elapsedMs = performance.now() - startedAt;
  const cpuRatio = (usageOfTree(pid).cpuNs - cpuBefore) / 1e6 / elapsedMs;
  const waitedRatio = (waitedMs(pid) - waitedBefore) / elapsedMs;
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
    waitedRatio,
    looksP99Ms: worst(({ looksP99Ms }) => looksP99Ms),
    momentsP99Ms: worst(({ momentsP99Ms }) => momentsP99Ms),
    maxMs: worst(({ maxMs }) => maxMs),
    heapsMib: [first, ...readings].map(({ heapBytes }) => heapBytes / MIB),
    residentMib: [residentBefore, sidecar.memory.now],
    perReader,
    elapsedMs,
  };
};
