/**
 * What the streams cost a process with a thousand commands that are all in use: its CPU time with readers less that
 * without, how long its loop makes others wait, what each reader gets, and whether its heap grows.
 *
 *     node test/experiments/stream-cost.ts [--short] [--seconds MAIN]
 *
 * Takes about 15 min, of which the main phase, with readers of both streams, takes 10; `--short` 2 min.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import type { Owner } from '../rig/owner.ts';
import type { SidecarProcess } from '../rig/sidecar-process.ts';
import { tapStream } from '../rig/stream-tap.ts';
import { atMost, type Figure, readOptions, reported, runArm, runExperiment } from './experiment.ts';
import {
  measurePhase,
  type Phase,
  type PhasePlan,
  type StreamName,
  startProbedSidecar,
  streams,
} from './stream-phases.ts';

/** Each with nine routes and what no route matches: ten commands, and five bulkheads. */
const UPSTREAMS = 100;
const ROUTES = 9;
const COMMANDS = UPSTREAMS * (ROUTES + 1);
/** Requests a second, evenly over all commands: whatever a tick tells of has changed since the one before. */
const RATE = 400;
const READERS = 5;

const { isShort, seconds } = readOptions();
const phaseMs = isShort ? 15_000 : 45_000;
const mainMs = seconds === undefined ? (isShort ? phaseMs : 600_000) : seconds * 1000;
/** Latencies are kept for a minute: until then memory grows as it should. */
const warmUpMs = isShort ? 10_000 : 75_000;

/** An endpoint under a hundred names, with routes of which every other one has a bulkhead of its own. */
const upstreamsAt = (endpoint: string) => {
  const routes = Array.from({ length: ROUTES }, (_, index) => ({
    name: `r${index}`,
    match: { path: `/r${index}/*` },
    ...(index % 2 === 1 ? { bulkhead: { concurrency: 20 } } : {}),
  }));
  return Object.fromEntries(
    Array.from({ length: UPSTREAMS }, (_, index) => [`u${index}`, { endpoints: [endpoint], routes }]),
  );
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

const inPercent = (ratio: number): string => `${(ratio * 100).toFixed(1)} %`;

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
  const { name, cpuRatio, waitedRatio, looksP99Ms, momentsP99Ms, maxMs, heapsMib, residentMib, perReader } =
    phase;
  const delays = [looksP99Ms, momentsP99Ms, maxMs].map((ms) => ms.toFixed(1)).join(', ');
  const heap = `${heapsMib[0]?.toFixed(1)} to ${heapsMib.at(-1)?.toFixed(1)}`;
  const extra =
    cpuWithoutReaders === null ? '' : `, ${inPercent(cpuRatio - cpuWithoutReaders)} of it for readers`;
  const kinds = (Object.keys(streams) as StreamName[]).filter((stream) =>
    perReader.some((reader) => reader.stream === stream),
  );
  return [
    reported(`${name}: of a core`, inPercent(cpuRatio) + extra),
    reported(
      `${name}: loop delay, ms: p99 of looks, p99 of moments, most; waited for a core`,
      `${delays}; ${inPercent(waitedRatio)}`,
    ),
    reported(`${name}: heap after a collection, resident, MiB`, `${heap}; ${residentMib.join(' to ')}`),
    ...kinds.map((stream) =>
      reported(
        `${name}: KiB a second to each reader of ${streams[stream].path}; ticks that the slowest took`,
        `${kibPerSecond(phase, stream)}; ${inPercent(ticksTaken(phase, stream))}`,
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
    const probed = await startProbedSidecar(owner, {
      log: { access: 'off' },
      upstreams: upstreamsAt(upstream.address),
    });
    const traffic = startTraffic(owner, probed.sidecar);
    const phase = (name: string, readers: readonly StreamName[], plan?: Partial<PhasePlan>): Promise<Phase> =>
      runArm(owner, name, async (armOwner) => {
        const taps = readers.map((stream) => {
          const { path, mark } = streams[stream];
          return [stream, tapStream(armOwner, probed.sidecar.admin, path, mark)] as const;
        });
        await wait(2000);
        return measurePhase(probed, { name, durationMs: phaseMs, ...plan }, taps);
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
    const phases = [idle, before, hystrix, events, both, after, idleAgain];
    const waited = ({ waitedRatio }: Phase): number => waitedRatio * 100;
    const share = ({ cpuRatio }: Phase): number => (cpuRatio - base) * 100;
    return [
      ...phases.flatMap((each) => describe(each, each.perReader.length === 0 ? null : base)),
      reported('answers', JSON.stringify(traffic.tally)),
      // Where the machine has no core to give, nothing here is the sidecar's doing.
      atMost('waited for a core, most of all phases, %', Math.max(...phases.map(waited)), 5),
      ...[hystrix, events].flatMap((each) => [
        atMost(`${each.name}: % of a core for them`, share(each), 10),
        atMost(`${each.name}: loop delay p99, ms`, each.looksP99Ms, 10),
      ]),
      isShort
        ? reported('5 + 5: growth of the heap from the first third to the last, MiB', growth)
        : atMost('5 + 5: growth of the heap from the first third to the last, MiB', growth, 1),
    ];
  },
  mainMs + 8 * phaseMs + warmUpMs + 120_000,
);
