/**
 * Load from half to three times what a service can do, and a sudden step: how much of its capacity still comes out as
 * answers that are in time. The service has one worker that takes 5 ms for a request and works for clients that have left.
 *
 *     node test/experiments/goodput.ts [--short] [--runs N] [--seconds PHASE] [--raw FOLDER]
 *
 * Takes about 14 min 30 s (three runs of 4 min 20 s, and the control); `--short` 2 min 30 s.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { startLoadGenerator } from '../rig/load-generator.ts';
import type { LoadRecords } from '../rig/load-records.ts';
import type { Owner } from '../rig/owner.ts';
import { percentile } from '../rig/percentile.ts';
import { startQueueSimulator } from '../rig/queue-simulator.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import {
  atLeast,
  atMost,
  beside,
  controlAtMost,
  exactly,
  type Figure,
  readOptions,
  reported,
  runArm,
  runExperiment,
} from './experiment.ts';

const capacity = 200;
const behaviour = { kind: 'queue', serviceMs: 1000 / capacity } as const;
const factors = [0.5, 1, 2, 3];
const deadlineMs = 1000;
const acceptedTargetMs = 250;

/** Twenty requests, ten of them in line, are 100 ms of work: nobody who is let in waits longer. */
const policies = {
  timeout: { attempt: '500ms', total: '1s' },
  bulkhead: { concurrency: 10, queue: 10, queueTimeout: '250ms' },
};

const options = readOptions(3);
const phaseMs = (options.seconds ?? (options.isShort ? 15 : 60)) * 1000;

/** Good answers per second of those due in this time, as a share of the capacity. */
const share = (part: LoadRecords, ms: number): number => part.good / (capacity * (ms / 1000));

interface SidecarRun {
  /** One for each factor. */
  readonly phases: readonly LoadRecords[];
  /** How long it took to get used to the step; Infinity: it never did. */
  readonly convergedMs: number;
  /** By how many requests, and by how many attempts, the sidecar's metrics are off. */
  readonly miscounted: number;
}

/** How long after the step begin a second and five seconds that both have 90 % of the capacity, and soon enough. */
const convergence = (records: LoadRecords, stepMs: number, endMs: number): number => {
  for (let from = stepMs; from + 5000 <= endMs; from += 100) {
    const second = records.between(from, from + 1000);
    const isConverged =
      share(second, 1000) >= 0.9 &&
      share(records.between(from, from + 5000), 5000) >= 0.9 &&
      second.with('200').percentileMs(99) <= acceptedTargetMs;
    if (isConverged) return from - stepMs;
  }
  return Number.POSITIVE_INFINITY;
};

const throughSidecar = async (owner: Owner, name: string): Promise<SidecarRun> => {
  const service = await startQueueSimulator(owner, behaviour);
  const sidecar = await startSidecarProcess(owner, {
    log: { access: 'off' },
    upstreams: { service: { endpoints: [service.endpoint], ...policies } },
  });
  const generator = await startLoadGenerator(owner);
  const ratePerSecond = capacity * factors[0]!;
  const target = { ...sidecar.egress, name: 'service' };
  const load = await generator.begin({ target, ratePerSecond, deadlineMs });
  const borders: number[] = [];
  for (const factor of factors) {
    await load.setRate(capacity * factor);
    borders.push(load.elapsedMs);
    await wait(phaseMs);
  }
  borders.push(load.elapsedMs);
  await load.setRate(capacity * 0.5);
  await wait(5000);
  const stepMs = load.elapsedMs;
  await load.setRate(capacity * 2);
  await wait(10_000);
  const endMs = load.elapsedMs;
  const records = await load.end();
  options.keepRaw(name, {
    borders,
    stepMs,
    seconds: records.seconds(),
    records: records.records,
  });
  const metrics = await sidecar.metrics();
  const { arrived } = await service.counts();
  return {
    phases: factors.map((_, index) => records.between(borders[index]!, borders[index + 1]!)),
    convergedMs: convergence(records, stepMs, endMs),
    miscounted:
      Math.abs(metrics.sum('requests_total') - records.offered) +
      Math.abs(metrics.sum('attempts_total') - arrived),
  };
};

/** Clients that wait 500 ms and try three times more, at once. Long phases show no more than short ones. */
const controlMs = 15_000;

const straight = async (owner: Owner, factor: number): Promise<number> => {
  const service = await startQueueSimulator(owner, behaviour);
  const generator = await startLoadGenerator(owner);
  const load = await generator.begin({
    target: service.address,
    ratePerSecond: capacity * factor,
    deadlineMs,
    timeoutMs: 500,
    retries: 3,
  });
  await wait(controlMs);
  const records = await load.end();
  options.keepRaw(`control ${factor}x`, { seconds: records.seconds(), records: records.records });
  return share(records, controlMs);
};

const figuresOf = (runs: readonly SidecarRun[], control: readonly number[]): Figure[] => {
  const percents = factors.map((factor, index) => {
    const worst = Math.min(...runs.map(({ phases }) => share(phases[index]!, phaseMs))) * 100;
    const name = `good answers at ${factor}x, % of what the service can do, worst run`;
    return beside(factor < 1 ? reported(name, worst) : atLeast(name, worst, 90), control[index]! * 100);
  });
  const parts = runs.flatMap(({ phases }) => phases);
  const refusals = parts.flatMap((part) => part.with('503').records);
  const lateness = Math.max(...parts.map((part) => part.latenessMs(99)));
  const soon = refusals.filter(({ tookMs }) => tookMs < 10).length;
  const median = percentile(
    refusals.map(({ tookMs }) => tookMs),
    50,
  );
  return [
    reported('runs', runs.length),
    ...percents,
    atMost(
      'p99 of what was let in, ms, worst phase',
      Math.max(...parts.map((part) => part.with('200').percentileMs(99))),
      acceptedTargetMs,
    ),
    reported('refusals', refusals.length),
    atLeast('refusals within 10 ms, %', (soon / refusals.length) * 100, 99),
    reported('median of a refusal, ms', median),
    // Where this is not small, the machine was busy with other things, and the times above say little.
    reported('p99 by which requests left too late, ms, worst phase', lateness),
    atMost(
      'from 0.5x to 2x at once: converged after, s, worst run',
      Math.max(...runs.map(({ convergedMs }) => convergedMs)) / 1000,
      1,
    ),
    exactly(
      'requests and attempts by which the metrics are off',
      runs.reduce((sum, { miscounted }) => sum + miscounted, 0),
      0,
    ),
    controlAtMost('good answers at 2x without the sidecar, %', control[factors.indexOf(2)]! * 100, 50),
  ];
};

await runExperiment(
  `goodput: a service that can do ${capacity} requests/s, offered 0.5x to 3x`,
  async (owner) => {
    const runs: SidecarRun[] = [];
    for (let count = 1; count <= options.runs; count += 1) {
      const name = `sidecar ${count}`;
      runs.push(await runArm(owner, name, (armOwner) => throughSidecar(armOwner, name)));
    }
    const control: number[] = [];
    for (const factor of factors) {
      control.push(await runArm(owner, `control ${factor}x`, (armOwner) => straight(armOwner, factor)));
    }
    return figuresOf(runs, control);
  },
  1_200_000,
);
