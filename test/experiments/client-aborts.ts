/**
 * Clients that leave while they wait, 200 a second, on a machine with thousands of other sockets: how soon their
 * attempts are aborted, and what it costs everybody else. Takes about 20 s.
 *
 *     node test/experiments/client-aborts.ts [SOCKETS] [RATE] [SECONDS] [PATIENCE_MS]
 *
 * A client that leaves within 20 ms of its request is told from one that has only ended its half by the kernel's table
 * of sockets, which is slow: PATIENCE_MS 0 shows that case
 */

import { setTimeout as wait } from 'node:timers/promises';
import { usageOfTree } from '../bench/process-tree.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { openLoop } from '../rig/load.ts';
import { percentile } from '../rig/percentile.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, exactly, reported, runExperiment } from './experiment.ts';

const sockets = Number(process.argv[2] ?? 4000);
const rate = Number(process.argv[3] ?? 200);
const durationMs = Number(process.argv[4] ?? 10) * 1000;
/** How long a client waits before it leaves. */
const patienceMs = Number(process.argv[5] ?? 100);

await runExperiment(`${rate} aborts/s beside ${sockets} other connections`, async (owner) => {
  const silent = await startRawUpstream(owner, () => {});
  const healthy = await startHttpUpstream(owner);
  for (let count = 0; count < sockets; count += 1) {
    await connectRaw(owner, { host: '127.0.0.1', port: silent.port });
  }
  const sidecar = await startSidecarProcess(owner, {
    log: { access: 'off' },
    upstreams: {
      slow: { endpoints: [silent.address] },
      healthy: { endpoints: [healthy.address] },
    },
  });
  const caller = makeCaller(owner, sidecar.egress, 8);
  await caller.call({ host: 'healthy' });
  const base = await openLoop(20, 2000, () => caller.call({ host: 'healthy' }));
  const cpuBefore = usageOfTree(sidecar.child.pid!).cpuNs;
  const abortMs: number[] = [];
  const healthyMs: number[] = [];
  const pings = openLoop(20, durationMs, async () => {
    const startedAt = performance.now();
    const result = await caller.call({ host: 'healthy' });
    healthyMs.push(performance.now() - startedAt);
    return result;
  });

  const abortOne = async (index: number) => {
    const client = await connectRaw(owner, sidecar.egress);
    client.send(`GET /${index} HTTP/1.1\r\nHost: slow\r\n\r\n`);
    const exchange = await silent.changed.until(
      () => silent.exchanges.find(({ startLine }) => startLine.startsWith(`GET /${index} `)) ?? null,
    );
    await wait(patienceMs);
    const leftAt = performance.now();
    client.leave();
    await exchange.connection.over();
    abortMs.push(performance.now() - leftAt);
    return { kind: 'broken', code: 'left' } as const;
  };
  const aborts = await openLoop(rate, durationMs, abortOne);
  await pings;

  const cpuPerAbort = (usageOfTree(sidecar.child.pid!).cpuNs - cpuBefore) / 1e6 / aborts.length;
  const metrics = await sidecar.metrics();
  return [
    reported('aborts', aborts.length),
    reported('healthy calls before', base.length),
    atMost('p99 from leaving to the upstream’s abort, ms', percentile(abortMs, 99), 50),
    atMost('p99 of a healthy call meanwhile, ms', percentile(healthyMs, 99), 50),
    atMost('CPU of the sidecar for each abort, ms', cpuPerAbort, 1),
    exactly('slots still held', metrics.sum('bulkhead_in_flight', { upstream: 'slow' }), 0),
    exactly('failures counted', metrics.sum('attempts_total', { upstream: 'slow', outcome: 'failure' }), 0),
  ];
});
