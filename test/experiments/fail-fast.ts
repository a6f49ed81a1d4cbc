/**
 * An open circuit under a load of thousands: how many refusals a second, how fast, and what they cost beside answers of
 * the upstream. Takes about 40 s.
 *
 *     node test/experiments/fail-fast.ts [--short]
 */
import { usageOfTree } from '../bench/process-tree.ts';
import { startClosedLoop } from '../rig/closed-loop.ts';
import type { Owner } from '../rig/owner.ts';
import { startQueueSimulator } from '../rig/queue-simulator.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atLeast, atMost, beside, readOptions, reported, runArm, runExperiment } from './experiment.ts';

const { isShort } = readOptions();
const durationMs = isShort ? 4000 : 15_000;
const CONNECTIONS = 16;

interface Result {
  readonly perSecond: number;
  readonly p99Ms: number;
  /** CPU time of the sidecar for each answer, in µs. */
  readonly cpuUs: number;
  /** What one core would give. */
  readonly perCoreSecond: number;
  readonly seenByUpstream: number;
  readonly otherAnswers: number;
}

const arm = async (owner: Owner, isOpen: boolean): Promise<Result> => {
  const upstream = await startQueueSimulator(owner, { kind: 'parallel', delayMs: 0 });
  const sidecar = await startSidecarProcess(owner, {
    log: { access: 'off' },
    upstreams: { u: { endpoints: [upstream.endpoint], breaker: { force: isOpen ? 'open' : 'none' } } },
  });
  const loop = await startClosedLoop(owner);
  const options = { target: { ...sidecar.egress, name: 'u' }, connections: CONNECTIONS };
  await loop.run({ ...options, durationMs: 1500 });
  const seenBefore = (await upstream.counts()).arrived;
  const cpuBefore = usageOfTree(sidecar.child.pid!).cpuNs;
  const { answers, p99Ms, elapsedMs } = await loop.run({ ...options, durationMs });
  const cpuUs = (usageOfTree(sidecar.child.pid!).cpuNs - cpuBefore) / 1000 / answers.total;
  return {
    perSecond: answers.total / (elapsedMs / 1000),
    p99Ms,
    cpuUs,
    perCoreSecond: 1_000_000 / cpuUs,
    seenByUpstream: (await upstream.counts()).arrived - seenBefore,
    otherAnswers: answers.total - (answers.byStatus[isOpen ? '503' : '200'] ?? 0),
  };
};

await runExperiment('an open circuit, as many requests as it takes', async (owner) => {
  const open = await runArm(owner, 'circuit forced open', (each) => arm(each, true));
  const closed = await runArm(owner, 'circuit closed', (each) => arm(each, false));
  return [
    beside(
      atLeast('answers a second on one core, by CPU time', open.perCoreSecond, 5000),
      closed.perCoreSecond,
    ),
    beside(reported('answers a second as measured', open.perSecond), closed.perSecond),
    beside(atMost('p99, ms', open.p99Ms, 5), closed.p99Ms),
    beside(reported('CPU of the sidecar for each, µs', open.cpuUs), closed.cpuUs),
    beside(atMost('requests that the upstream saw', open.seenByUpstream, 0), closed.seenByUpstream),
    beside(atMost('other answers than 503', open.otherAnswers, 0), closed.otherAnswers),
  ];
});
