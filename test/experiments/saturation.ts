/**
 * A bulkhead of 10 with a queue of 5 and 100 slow calls at once: who runs, who waits, who is sent away, and how fast.
 *
 *     node test/experiments/saturation.ts
 */
import { eventually } from '../rig/eventually.ts';
import { makeCaller } from '../rig/http-call.ts';
import { Held, startHttpUpstream } from '../rig/http-upstream.ts';
import { percentile } from '../rig/percentile.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, exactly, runExperiment } from './experiment.ts';

await runExperiment('bulkhead 10, queue 5, 100 slow calls at once', async (owner) => {
  const gate = new Held();
  const upstream = await startHttpUpstream(owner, gate.answer);
  const sidecar = await startSidecarProcess(owner, {
    upstreams: {
      u: {
        hosts: ['u.test'],
        endpoints: [upstream.address],
        bulkhead: { concurrency: 10, queue: 5, queueTimeout: '10s' },
      },
    },
  });
  const caller = makeCaller(owner, sidecar.egress, 100);
  const calls = Array.from({ length: 100 }, () => caller.call());
  await eventually('85 are sent away', () => sidecar.accessLog.length >= 85);
  const metrics = await sidecar.metrics();
  const running = metrics.sum('bulkhead_in_flight', { upstream: 'u' });
  const waiting = metrics.sum('bulkhead_queued', { upstream: 'u' });
  const refused = sidecar.accessLog.filter((line) => line['reason'] === 'bulkhead_full');
  gate.release();
  await Promise.all(calls);
  await eventually('the log is written', () => sidecar.accessLog.length >= 100);
  const times = refused.map((line) => Number(line['totalMs']));
  return [
    exactly('running', running, 10),
    exactly('waiting', waiting, 5),
    exactly('refused with 503', refused.filter((line) => line['status'] === 503).length, 85),
    atMost('p99 of a refusal, ms', percentile(times, 99), 5),
    exactly('the most that the upstream ever had at once', upstream.maxInFlight, 10),
    exactly('answered in the end', sidecar.accessLog.filter((line) => line['status'] === 200).length, 15),
  ];
});
