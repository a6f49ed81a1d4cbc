/**
 * Load with 1 % of the upstream's connections reset at random: does everybody count the same? Takes about 35 s.
 *
 *     node test/experiments/random-resets.ts [SECONDS] [RATE]
 */
import { eventually } from '../rig/eventually.ts';
import { startFaultServer } from '../rig/fault-server.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { openLoop, tallyOf } from '../rig/load.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { exactly, reported, runExperiment } from './experiment.ts';

const seconds = Number(process.argv[2] ?? 30);
const rate = Number(process.argv[3] ?? 400);

await runExperiment(`1 % of connections reset, ${rate} requests/s for ${seconds} s`, async (owner) => {
  const upstream = await startHttpUpstream(owner, (_call, response) => {
    response.end('x'.repeat(2000));
    // Connections that last would hardly ever be reset: each carries about ten requests.
    if (Math.random() < 0.1) response.socket?.end();
  });
  const faults = await startFaultServer(owner, { host: '127.0.0.1', port: upstream.port });
  faults.choose = () =>
    Math.random() < 0.01 ? { kind: 'reset', afterBytes: Math.floor(Math.random() * 4000) } : { kind: 'none' };
  const sidecar = await startSidecarProcess(owner, {
    upstreams: { u: { hosts: ['u.test'], endpoints: [faults.address] } },
  });
  const caller = makeCaller(owner, sidecar.egress);

  const results = await openLoop(rate, seconds * 1000, (index) =>
    caller.call(index % 4 === 0 ? { method: 'POST', body: 'abc' } : {}),
  );
  await eventually('the log is written', () => sidecar.accessLog.length >= results.length).catch(() => {});

  const tally = tallyOf(results);
  const answered = (status: number): number => tally[String(status)] ?? 0;
  const logged = (status: number): number =>
    sidecar.accessLog.filter((line) => line['status'] === status && line['reason'] !== 'response_incomplete')
      .length;
  const broken = Object.entries(tally).reduce(
    (sum, [key, count]) => (/^\d+$/.test(key) ? sum : sum + count),
    0,
  );
  const metrics = await sidecar.metrics();
  return [
    reported('answers', JSON.stringify(tally)),
    exactly('log lines', sidecar.accessLog.length, results.length),
    exactly('requests by the metrics', metrics.sum('requests_total'), results.length),
    exactly('whole answers with 200 in the log', logged(200), answered(200)),
    exactly('answers with 502 in the log', logged(502), answered(502)),
    exactly(
      'broken answers in the log',
      sidecar.accessLog.filter((line) => line['reason'] === 'response_incomplete').length,
      broken,
    ),
    exactly(
      'attempts = requests + retries',
      metrics.sum('attempts_total'),
      metrics.sum('requests_total') + metrics.sum('retries_total') - metrics.sum('rejected_total'),
    ),
  ];
});
