/**
 * Two endpoints under a steady load of GETs, one of them killed and brought back. Takes about 25 s.
 *
 *     node test/experiments/endpoint-killed.ts [RATE]
 */
import { eventually } from '../rig/eventually.ts';
import { startFaultServer } from '../rig/fault-server.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { openLoop, tallyOf } from '../rig/load.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, exactly, reported, runExperiment } from './experiment.ts';

const rate = Number(process.argv[2] ?? 300);

await runExperiment(`two endpoints, one killed, ${rate} requests/s`, async (owner) => {
  const steady = await startHttpUpstream(owner);
  const killed = await startHttpUpstream(owner);
  const switchable = await startFaultServer(owner, { host: '127.0.0.1', port: killed.port });
  const sidecar = await startSidecarProcess(owner, {
    upstreams: { u: { hosts: ['u.test'], endpoints: [steady.address, switchable.address] } },
  });
  const caller = makeCaller(owner, sidecar.egress);
  const phase = (ms: number) => openLoop(rate, ms, () => caller.call());
  const failures = async () => (await sidecar.metrics()).sum('attempts_total', { outcome: 'failure' });

  const before = await phase(4000);
  const shareBefore = killed.begun / before.length;
  const downAfter = setTimeout(() => void switchable.set({ kind: 'down' }), 500);
  owner.after(() => clearTimeout(downAfter));
  const during = await phase(8000);
  const failuresDuring = await failures();
  await switchable.set({ kind: 'none' });
  const seenAtReturn = killed.begun;
  const after = await phase(10_000);
  const failuresAfter = (await failures()) - failuresDuring;

  const all = before.length + during.length + after.length;
  await eventually('the log is written', () => sidecar.accessLog.length >= all).catch(() => {});

  const lost = (results: typeof before): number => results.length - (tallyOf(results)['200'] ?? 0);
  return [
    exactly('errors before', lost(before), 0),
    reported('share of the second endpoint before', Math.round(shareBefore * 100) / 100),
    exactly('errors while it is dead', lost(during), 0),
    atMost('attempts that failed while it was dead', failuresDuring, 40),
    exactly('errors after its return', lost(after), 0),
    reported('attempts that failed after its return', failuresAfter),
    atMost(
      'share it lacked in the 10 s after its return',
      0.5 - (killed.begun - seenAtReturn) / after.length,
      0.35,
    ),
    exactly('log lines', sidecar.accessLog.length, all),
  ];
});
