/**
 * A page that is put together from five services at once, of which one is dead or slow. The page can do without one of
 * the five if something stands in for it: the sidecar's fallback does, and the page's code is the same with and without.
 *
 *     node test/experiments/fan-out.ts [--short] [--runs N] [--seconds FAULT] [--raw FOLDER]
 *
 * Takes about 6 min (three runs with either fault, and the controls); `--short` 2 min.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { startLoadGenerator } from '../rig/load-generator.ts';
import type { LoadRecords } from '../rig/load-records.ts';
import { startNaiveService } from '../rig/naive-service.ts';
import type { Owner } from '../rig/owner.ts';
import { type Behaviour, startQueueSimulator } from '../rig/queue-simulator.ts';
import { type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';
import {
  atLeast,
  atMost,
  beside,
  controlAtMost,
  type Figure,
  readOptions,
  reported,
  runArm,
  runExperiment,
} from './experiment.ts';

const services = ['b1', 'b2', 'b3', 'b4', 'b5'];
const faulty = 'b5';
const pagesPerSecond = 50;
const healthy: Behaviour = { kind: 'parallel', delayMs: 50 };
const faults: Readonly<Record<string, Behaviour>> = {
  // Like a host that is gone: nobody says no.
  dead: { kind: 'silent' },
  slow: { kind: 'parallel', delayMs: 3000 },
};
/** The page's own patience with each of its services. */
const timeoutMs = 1000;
const attemptMs = 250;
const policies = {
  timeout: { attempt: `${attemptMs}ms`, total: '1s' },
  fallback: { on: ['circuit_open', 'timeout', 'connect-failure', 'reset'], body: '[]' },
};

const options = readOptions(3);
const baseMs = options.isShort ? 5000 : 10_000;
const faultMs = (options.seconds ?? (options.isShort ? 20 : 30)) * 1000;

interface FanOutRun {
  readonly base: LoadRecords;
  /** From the fault to the breaker's opening; without a breaker, to the end. */
  readonly closed: LoadRecords;
  readonly open: LoadRecords;
  /** All since the fault. */
  readonly since: LoadRecords;
  readonly opensAfterMs: number;
}

/** Waits until the breaker of the faulty service is open, at most until the fault's time is over. */
const opening = async (sidecar: SidecarProcess): Promise<void> => {
  for (const giveUpAt = Date.now() + faultMs; Date.now() < giveUpAt; await wait(50)) {
    if ((await sidecar.metrics()).sum('breaker_state', { upstream: faulty }) === 2) return;
  }
};

const runFanOut = async (owner: Owner, fault: Behaviour, hasSidecar: boolean): Promise<FanOutRun> => {
  const simulators = await Promise.all(services.map(() => startQueueSimulator(owner, healthy)));
  const endpoints = simulators.map(({ endpoint }) => endpoint);
  const sidecar = hasSidecar
    ? await startSidecarProcess(owner, {
        log: { access: 'off' },
        defaults: policies,
        upstreams: Object.fromEntries(
          services.map((name, index) => [name, { endpoints: [endpoints[index]] }]),
        ),
      })
    : null;
  const calls = services.map((name, index) => [
    sidecar === null ? simulators[index]!.address : { ...sidecar.egress, name },
  ]);
  const page = await startNaiveService(owner, { calls, timeoutMs, retries: 0, realAnswers: 4 });
  const generator = await startLoadGenerator(owner);
  const load = await generator.begin({
    target: page,
    ratePerSecond: pagesPerSecond,
    deadlineMs: 2 * timeoutMs,
  });
  // The first requests open connections and find code that has never run.
  await wait(2000);
  const baseFrom = load.elapsedMs;
  await wait(baseMs);
  const faultAt = load.elapsedMs;
  await simulators[services.indexOf(faulty)]!.set(fault);
  if (sidecar !== null) await opening(sidecar);
  else await wait(faultMs);
  const openAt = load.elapsedMs;
  await wait(Math.max(0, faultAt + faultMs - openAt));
  const endAt = load.elapsedMs;
  const records = await load.end();
  return {
    base: records.between(baseFrom, faultAt),
    closed: records.between(faultAt, openAt),
    open: records.between(openAt, endAt),
    since: records.between(faultAt, endAt),
    opensAfterMs: openAt - faultAt,
  };
};

const percent = (records: LoadRecords): number => records.goodRatio * 100;

const worst = (runs: readonly FanOutRun[], figure: (run: FanOutRun) => number): number =>
  Math.max(...runs.map(figure));

const figuresOf = (fault: string, runs: readonly FanOutRun[], control: FanOutRun): Figure[] => {
  const baseP99 = worst(runs, ({ base }) => base.percentileMs(99));
  const success = Math.min(...runs.map(({ since }) => percent(since)));
  const medians = (['base', 'closed', 'open'] as const).map((phase) =>
    worst(runs, (run) => run[phase].percentileMs(50)).toFixed(0),
  );
  const controlP99 = control.since.percentileMs(99);
  return [
    beside(
      reported(`${fault}: median before, until it opens, while it is open, ms`, medians.join(', ')),
      control.since.percentileMs(50),
    ),
    beside(reported(`${fault}: p99 before, ms, worst run`, baseP99), control.base.percentileMs(99)),
    reported(`${fault}: breaker opens after, s, worst run`, worst(runs, (run) => run.opensAfterMs) / 1000),
    beside(
      atMost(
        `${fault}: p99 above the one before, until it opens, ms, worst run`,
        worst(runs, ({ base, closed }) => closed.percentileMs(99) - base.percentileMs(99)),
        attemptMs,
      ),
      controlP99 - control.base.percentileMs(99),
    ),
    beside(
      atMost(
        `${fault}: p99 by the one before, while it is open, worst run`,
        worst(runs, ({ base, open }) => open.percentileMs(99) / base.percentileMs(99)),
        1.2,
      ),
      controlP99 / control.base.percentileMs(99),
    ),
    beside(atLeast(`${fault}: pages that succeed, %, worst run`, success, 99.9), percent(control.since)),
    reported(
      `${fault}: p99 by which requests left too late, ms`,
      worst(runs, ({ since }) => since.latenessMs(99)),
    ),
    controlAtMost(`${fault}: pages that succeed without the sidecar, %`, percent(control.since), 1),
  ];
};

await runExperiment(
  `fan-out: a page of five services, one of them dead or slow, ${pagesPerSecond} pages/s`,
  async (owner) => {
    const figures: Figure[] = [];
    for (const [name, fault] of Object.entries(faults)) {
      const arm = (label: string, hasSidecar: boolean): Promise<FanOutRun> =>
        runArm(owner, `${name}, ${label}`, async (armOwner) => {
          const run = await runFanOut(armOwner, fault, hasSidecar);
          options.keepRaw(`${name} ${label}`, run);
          return run;
        });
      const runs: FanOutRun[] = [];
      for (let count = 1; count <= options.runs; count += 1) runs.push(await arm(`sidecar ${count}`, true));
      figures.push(...figuresOf(name, runs, await arm('without sidecar', false)));
    }
    return figures;
  },
  600_000,
);
