/**
 * A full outage without a breaker: by how much retries multiply the load. Takes about 65 s.
 *
 *     node test/experiments/outage-budget.ts [SECONDS] [RATE]
 */
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { openLoop, tallyOf } from '../rig/load.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, exactly, reported, runExperiment } from './experiment.ts';

const seconds = Number(process.argv[2] ?? 60);
const rate = Number(process.argv[3] ?? 500);

await runExperiment(`full outage, breaker off, ${rate} requests/s for ${seconds} s`, async (owner) => {
  const upstream = await startHttpUpstream(owner, (_call, response) => {
    response.statusCode = 503;
    response.end();
  });
  const sidecar = await startSidecarProcess(owner, {
    log: { access: 'off' },
    upstreams: {
      u: {
        hosts: ['u.test'],
        endpoints: [upstream.address],
        breaker: { force: 'closed' },
        retry: { attempts: 4 },
      },
    },
  });
  const caller = makeCaller(owner, sidecar.egress);
  const windows: number[] = [];
  let sentBefore = 0;
  let seenBefore = 0;
  let sent = 0;
  const sampler = setInterval(() => {
    windows.push((upstream.begun - seenBefore) / (sent - sentBefore));
    sentBefore = sent;
    seenBefore = upstream.begun;
  }, 5000);
  owner.after(() => clearInterval(sampler));

  const results = await openLoop(rate, seconds * 1000, () => {
    sent += 1;
    return caller.call();
  });

  const bound = 1.2 + 10 / rate + 0.01;
  const metrics = await sidecar.metrics();
  return [
    reported('requests', results.length),
    reported('answers', JSON.stringify(tallyOf(results))),
    atMost('attempts ÷ requests', upstream.begun / results.length, bound),
    // The bucket may be full when the outage begins: the first window has its reserve too.
    reported('first 5 s window', Math.round((windows[0] ?? 0) * 1000) / 1000),
    atMost('worst 5 s window after the first', Math.max(0, ...windows.slice(1)), bound),
    exactly('attempts by the metrics', metrics.sum('attempts_total'), upstream.begun),
    reported('sidecar memory, MiB', sidecar.memory.peak),
  ];
});
