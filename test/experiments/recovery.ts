/**
 * The only upstream answers nothing but 503 for ten seconds and is well again: how soon is it used again, how fast are
 * the refusals meanwhile, and what does it see of the load while it is down? Takes about 35 s a run, twice.
 *
 *     node test/experiments/recovery.ts [--short] [--runs N] [--raw FOLDER]
 */
import { setTimeout as wait } from 'node:timers/promises';
import { startLoadGenerator } from '../rig/load-generator.ts';
import type { LoadRecords } from '../rig/load-records.ts';
import type { Owner, RigAddress } from '../rig/owner.ts';
import { type QueueSimulator, startQueueSimulator } from '../rig/queue-simulator.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atLeast, atMost, beside, readOptions, reported, runArm, runExperiment } from './experiment.ts';

const RATE = 200;
const OUTAGE_MS = 10_000;
/** By then the failures are half of the window: before that the circuit is closed, as it should be. */
const OPEN_AFTER_MS = 5000;
/** The default. */
const SLEEP_MS = 5000;

const { isShort, runs, keepRaw } = readOptions(3);
const afterMs = isShort ? 8000 : 15_000;

interface Result {
  readonly records: LoadRecords;
  readonly downAt: number;
  readonly upAt: number;
  /** Requests that the upstream got while it was down, in the second half of it. */
  readonly seenWhileDown: number;
}

const outage = async (owner: Owner, upstream: QueueSimulator, target: RigAddress): Promise<Result> => {
  const generator = await startLoadGenerator(owner);
  const load = await generator.begin({ target: { ...target, name: 'u' }, ratePerSecond: RATE });
  await wait(5000);
  const downAt = load.elapsedMs;
  await upstream.set({ kind: 'parallel', delayMs: 5 }, { errorPercent: 100 });
  await wait(OPEN_AFTER_MS);
  const before = await upstream.counts();
  await wait(OUTAGE_MS - OPEN_AFTER_MS);
  const after = await upstream.counts();
  const upAt = load.elapsedMs;
  await upstream.set({ kind: 'parallel', delayMs: 5 });
  await wait(afterMs);
  return { records: await load.end(), downAt, upAt, seenWhileDown: after.arrived - before.arrived };
};

const withSidecar = async (owner: Owner): Promise<Result> => {
  const upstream = await startQueueSimulator(owner, { kind: 'parallel', delayMs: 5 });
  const sidecar = await startSidecarProcess(owner, {
    log: { access: 'off' },
    upstreams: { u: { endpoints: [upstream.endpoint] } },
  });
  return outage(owner, upstream, sidecar.egress);
};

const without = async (owner: Owner): Promise<Result> => {
  const upstream = await startQueueSimulator(owner, { kind: 'parallel', delayMs: 5 });
  return outage(owner, upstream, upstream.address);
};

/** From the end of the outage to the first answer that is good. */
const firstSuccessMs = ({ records, upAt }: Result): number => {
  const first = records.records.find((record) => record.dueMs >= upAt && records.isGood(record));
  return first === undefined ? Number.POSITIVE_INFINITY : first.dueMs + first.tookMs - upAt;
};

/** Of those that are due in the second after the sixth of the recovery: all that a user still sees of it. */
const goodAfterSix = ({ records, upAt }: Result): number =>
  records.between(upAt + 6000, upAt + 7000).goodRatio * 100;

await runExperiment(
  `recovery after an outage of ${OUTAGE_MS / 1000} s, ${RATE} requests/s`,
  async (owner) => {
    const results: Result[] = [];
    for (let run = 1; run <= runs; run += 1) {
      const result = await runArm(owner, `with the sidecar, run ${run}`, withSidecar);
      keepRaw(`recovery-${run}`, result.records.records);
      results.push(result);
    }
    const control = await runArm(owner, 'without', without);
    const worst = (figure: (result: Result) => number): number => Math.max(...results.map(figure));
    const refusalP99 = ({ records, downAt, upAt }: Result): number =>
      records
        .between(downAt + OPEN_AFTER_MS, upAt)
        .with('503')
        .percentileMs(99);
    return [
      beside(
        atMost('first success after the end, ms, worst run', worst(firstSuccessMs), SLEEP_MS + 250),
        firstSuccessMs(control),
      ),
      beside(
        atLeast('good in the seventh second after, %, worst run', Math.min(...results.map(goodAfterSix)), 99),
        goodAfterSix(control),
      ),
      beside(
        atMost('p99 of a refusal in the last 5 s of it, ms, worst run', worst(refusalP99), 5),
        refusalP99(control),
      ),
      beside(
        atMost(
          'requests that it got in the last 5 s of the outage',
          worst(({ seenWhileDown }) => seenWhileDown),
          1,
        ),
        control.seenWhileDown,
      ),
      reported('runs', runs),
    ];
  },
  (runs + 1) * 60_000,
);
