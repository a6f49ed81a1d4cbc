import { setTimeout as wait } from 'node:timers/promises';
import { type Load, startLoadGenerator } from '../rig/load-generator.ts';
import type { LoadRecords } from '../rig/load-records.ts';
import { startNaiveService } from '../rig/naive-service.ts';
import type { Owner, RigAddress } from '../rig/owner.ts';
import { percentile } from '../rig/percentile.ts';
import { type QueueSimulator, startQueueSimulator } from '../rig/queue-simulator.ts';
import type { ConfigText } from '../rig/sidecar.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import {
  atLeast,
  atMost,
  beside,
  controlAtMost,
  type ExperimentOptions,
  type Figure,
  reported,
  runArm,
} from './experiment.ts';

/**
 * The cascade: clients → A → B (two replicas) → C, after Bronson et al., *Metastable Failures in Distributed Systems*. C has
 * one worker that takes 5 ms for a request, and works for clients that have left. The load is 70 % of what C can do.
 *
 * Without sidecars A and B wait 500 ms for an answer and try three times more, at once. What disturbs them for ten seconds
 * leaves a queue at C in which every request is older than 500 ms when its turn comes; all are repeated, and the repetition
 * keeps the queue as it is, for ever. With sidecars A and B send once, to the sidecar beside them, and do nothing more.
 */

/** What C can do in a second, in good health. */
export const capacity = 200;
/** Requests in a second. */
export const usualRate = 140;
const triggerMs = 10_000;
/** A client wants its answer within this time: later, it is as good as none. */
const deadlineMs = 1000;
const healthy = { kind: 'queue', serviceMs: 1000 / capacity } as const;
const steadyMs = 5000;

/** What happens to the chain, and how it ends. */
export interface Trigger {
  begin(load: Load, c: QueueSimulator): Promise<void>;
  end(load: Load, c: QueueSimulator): Promise<void>;
}

export interface CascadeResult {
  readonly all: LoadRecords;
  /** When the trigger began and ended, on the scale of the records. */
  readonly beganMs: number;
  readonly endedMs: number;
  /** Those due while the trigger lasted. */
  readonly during: LoadRecords;
  readonly lastTenSeconds: LoadRecords;
  /** The most good answers that any second after the trigger had. */
  readonly bestSecondAfter: number;
  /** How long after the trigger 99 % of the requests of five seconds began to be good; Infinity: not while we looked. */
  readonly recoveryMs: number;
}

type Chain = (owner: Owner, c: QueueSimulator) => Promise<RigAddress>;

/** Every hop waits 500 ms and tries three times more. */
const withoutSidecars: Chain = async (owner, c) => {
  const naive = { timeoutMs: 500, retries: 3 };
  const replicas = [
    await startNaiveService(owner, { calls: [[c.address]], ...naive }),
    await startNaiveService(owner, { calls: [[c.address]], ...naive }),
  ];
  return startNaiveService(owner, { calls: [replicas], ...naive });
};

/** Policies of the two sidecars' upstreams, as the configuration has them. */
interface ChainPolicies {
  /** From A to B. */
  readonly b: ConfigText;
  /** From each replica of B to C. */
  readonly c: ConfigText;
}

/**
 * What the owner of such a chain would write. The breakers (sleep 5 s), the retries and their budget are the defaults.
 *
 * The bulkheads are sized by Little's law. C does 200/s, so ten requests at a time take 50 ms there, and even at a third of
 * its speed 170 ms: less than the 500 ms that a hop waits today. A holds the line for the whole chain, because what it
 * does not send cannot fail and so does not count in its breaker; that a replica of B may have all of the ten by chance
 * is why each has as many.
 */
const timeout = { attempt: '500ms', total: '900ms' };
const sizedForC = { timeout, bulkhead: { concurrency: 10, queue: 10, queueTimeout: '250ms' } };

/** The same ten, shared out to the replicas of B. */
const half = { timeout, bulkhead: { concurrency: 5, queue: 5, queueTimeout: '250ms' } };

/** What other owners might write: shown beside the rest, without a target. */
const otherPolicies: Readonly<Record<string, ChainPolicies>> = {
  'all settings the defaults': { b: {}, c: {} },
  // B answers 503 for what its sidecars turn away. To A that is a failure like any other, and its breaker opens.
  'bulkheads beside B alone': { b: { timeout }, c: half },
  'bulkheads beside B alone, and A ignores 503': { b: { timeout, failure: { ignore: [503] } }, c: half },
};

/** A and B send once, to the sidecar beside them. */
const withSidecars =
  ({ b, c }: ChainPolicies): Chain =>
  async (owner, simulator) => {
    const once = { timeoutMs: 20_000, retries: 0 };
    const replicas: RigAddress[] = [];
    for (let count = 0; count < 2; count += 1) {
      const { egress } = await startSidecarProcess(owner, {
        log: { access: 'off' },
        upstreams: { c: { endpoints: [simulator.endpoint], ...c } },
      });
      replicas.push(await startNaiveService(owner, { calls: [[{ ...egress, name: 'c' }]], ...once }));
    }
    const { egress } = await startSidecarProcess(owner, {
      log: { access: 'off' },
      upstreams: { b: { endpoints: replicas.map(({ host, port }) => `${host}:${port}`), ...b } },
    });
    return startNaiveService(owner, { calls: [[{ ...egress, name: 'b' }]], ...once });
  };

/** One run: two seconds to warm up, five steady ones, the trigger, and then so long. */
const runCascade = async (
  owner: Owner,
  chain: Chain,
  trigger: Trigger,
  observedMs: number,
): Promise<CascadeResult> => {
  const c = await startQueueSimulator(owner, healthy);
  const target = await chain(owner, c);
  const generator = await startLoadGenerator(owner);
  // Code that has never run is slow, and no part of the story.
  const load = await generator.begin({ target, ratePerSecond: usualRate / 7, deadlineMs });
  await wait(2000);
  await load.setRate(usualRate);
  await wait(steadyMs);
  const beganMs = load.elapsedMs;
  await trigger.begin(load, c);
  await wait(triggerMs);
  const endedMs = load.elapsedMs;
  await trigger.end(load, c);
  await wait(observedMs);
  const overMs = load.elapsedMs;
  const all = await load.end();
  return {
    all,
    beganMs,
    endedMs,
    during: all.between(beganMs, endedMs),
    lastTenSeconds: all.between(overMs - 10_000, overMs),
    bestSecondAfter: Math.max(
      ...all
        .between(endedMs, overMs)
        .seconds()
        .map(({ good }) => good),
    ),
    recoveryMs: all.recoveryMs(endedMs, 5000, 0.99),
  };
};

export interface CascadeArms {
  readonly sidecars: readonly CascadeResult[];
  /** By what their owner has written. */
  readonly others: ReadonlyMap<string, CascadeResult>;
  readonly control: CascadeResult;
}

/** Each arm after the other; the control is watched for so long after its trigger as the command line says. */
export const runCascadeArms = async (
  owner: Owner,
  { isShort, runs, seconds, keepRaw }: ExperimentOptions,
  trigger: Trigger,
): Promise<CascadeArms> => {
  const run = (name: string, chain: Chain, observedMs: number): Promise<CascadeResult> =>
    runArm(owner, name, async (armOwner) => {
      const result = await runCascade(armOwner, chain, trigger, observedMs);
      const { all, beganMs, endedMs } = result;
      keepRaw(name, { beganMs, endedMs, seconds: all.seconds(), records: all.records });
      return result;
    });
  const sidecars: CascadeResult[] = [];
  for (let count = 1; count <= runs; count += 1) {
    sidecars.push(await run(`sidecars ${count}`, withSidecars({ b: sizedForC, c: sizedForC }), 20_000));
  }
  const others = new Map<string, CascadeResult>();
  for (const [name, policies] of Object.entries(otherPolicies)) {
    others.set(name, await run(`sidecars, ${name}`, withSidecars(policies), 20_000));
  }
  return {
    sidecars,
    others,
    control: await run('without sidecars', withoutSidecars, (seconds ?? (isShort ? 15 : 120)) * 1000),
  };
};

/** The figures that both cascades have. `goodTarget`: good answers per second while the trigger lasts. */
export const cascadeFigures = (
  { sidecars, others, control }: CascadeArms,
  goodTarget: number,
  recoveryTargetMs: number,
): Figure[] => {
  const goodRate = ({ during }: CascadeResult): number => (during.good * 1000) / triggerMs;
  const recoveries = sidecars.map(({ recoveryMs }) => recoveryMs / 1000);
  const late = sidecars.map(({ lastTenSeconds }) => lastTenSeconds.goodRatio * 100);
  const target = recoveryTargetMs / 1000;
  const never = (seconds: number): string | number => (Number.isFinite(seconds) ? seconds : 'never');
  return [
    reported('runs with sidecars', sidecars.length),
    beside(
      atLeast('good/s during the trigger, worst run', Math.min(...sidecars.map(goodRate)), goodTarget),
      goodRate(control),
    ),
    beside(
      atMost('recovery after the trigger, s, median', percentile(recoveries, 50), target),
      never(control.recoveryMs / 1000),
    ),
    atMost('recovery after the trigger, s, worst run', Math.max(...recoveries), target),
    beside(
      atLeast('good in the last 10 s, %, worst run', Math.min(...late), 99),
      control.lastTenSeconds.goodRatio * 100,
    ),
    // Where the control recovers by itself, there is nothing to be saved from.
    controlAtMost('good/s in its best second after the trigger', control.bestSecondAfter, usualRate * 0.05),
    ...[...others].flatMap(([name, result]) => [
      reported(`good/s during the trigger, ${name}`, goodRate(result)),
      reported(`recovery after the trigger, s, ${name}`, never(result.recoveryMs / 1000)),
    ]),
  ];
};
