/**
 * The only endpoint of an upstream dead for some seconds under a steady load of GETs, with the default policies: when the
 * breaker opens, what refusals cost, what the dead upstream is still sent, and how soon it is used again. The load begins
 * when it is already dead: what succeeded before would count in the breaker's window. Times are the proxy's own. Takes
 * about 25 s.
 *
 *     node test/experiments/only-endpoint-killed.ts [RATE]
 */
import { eventually } from '../rig/eventually.ts';
import { startFaultServer } from '../rig/fault-server.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { openLoop } from '../rig/load.ts';
import { percentile } from '../rig/percentile.ts';
import type { LogLine } from '../rig/sidecar.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, exactly, reported, runExperiment } from './experiment.ts';

const rate = Number(process.argv[2] ?? 200);
const sleepMs = 5000;
const downMs = 11_000;

const timeOf = (line: LogLine): number => Date.parse(String(line['time']));

await runExperiment(`the only endpoint killed, ${rate} requests/s`, async (owner) => {
  const upstream = await startHttpUpstream(owner);
  const switchable = await startFaultServer(owner, { host: '127.0.0.1', port: upstream.port });
  const sidecar = await startSidecarProcess(owner, {
    upstreams: { u: { hosts: ['u.test'], endpoints: [switchable.address] } },
  });
  const caller = makeCaller(owner, sidecar.egress);
  const attempts = async (outcome: string) => (await sidecar.metrics()).sum('attempts_total', { outcome });

  await switchable.set({ kind: 'down' });
  const during = await openLoop(rate, downMs, () => caller.call());
  const failed = await attempts('failure');
  const returnedAt = Date.now();
  await switchable.set({ kind: 'none' });
  const after = await openLoop(rate, 8000, () => caller.call());

  const all = during.length + after.length;
  await eventually('the log is written', () => sidecar.accessLog.length >= all);
  const lines = sidecar.accessLog;
  const refusals = lines
    .filter((line) => line['reason'] === 'circuit_open')
    .map((line) => Number(line['totalMs']));
  const success = lines.find((line) => line['status'] === 200 && timeOf(line) > returnedAt);
  const lateErrors = lines.filter(
    (line) => line['status'] !== 200 && timeOf(line) > returnedAt + sleepMs + 1000,
  );
  const probes = Math.floor(downMs / sleepMs);
  return [
    reported('requests refused by the open breaker', refusals.length),
    atMost('median of a refusal, ms', percentile(refusals, 50), 5),
    atMost('p99 of a refusal, ms', percentile(refusals, 99), 5),
    atMost('attempts that the dead endpoint got: volume + probes', failed, 20 + probes),
    atMost(
      'first success after its return, ms',
      success === undefined ? Number.NaN : timeOf(success) - returnedAt,
      sleepMs + 250,
    ),
    exactly('errors later than the sleep and a second', lateErrors.length, 0),
    exactly('log lines', lines.length, all),
  ];
});
