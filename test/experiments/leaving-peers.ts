/**
 * Clients and servers that leave at random moments, in every way in which a peer can leave, for a minute: does the
 * process live, and what is left behind?
 *
 *     node test/experiments/leaving-peers.ts [SECONDS] [SEED]
 */
import { eventually } from '../rig/eventually.ts';
import { startResetStorm, stormConfig } from '../rig/reset-storm.ts';
import { seededRandom } from '../rig/seeded-random.ts';
import { freePort, startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, exactly, reported, runExperiment } from './experiment.ts';

const seconds = Number(process.argv[2] ?? 60);
const seed = Number(process.argv[3] ?? 1);
const AT_ONCE = 40;

await runExperiment(`Peers that leave at any moment, ${seconds} s`, async (owner) => {
  const storm = await startResetStorm(owner, seededRandom(seed));
  const tcp = { host: '127.0.0.1', port: await freePort() };
  const sidecar = await startSidecarProcess(owner, stormConfig(storm, tcp));
  const targets = { egress: sidecar.egress, admin: sidecar.admin, tcp };
  const before = sidecar.descriptors;
  const until = performance.now() + seconds * 1000;
  let clients = 0;
  const work = async (): Promise<void> => {
    while (performance.now() < until && sidecar.child.exitCode === null) {
      clients += 1;
      await storm.client(targets);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  await sidecar.metricIs('bulkhead_in_flight', {}, 0);
  storm.upstream.kill();
  await eventually('its descriptors are as many as before', () => sidecar.descriptors <= before + 1).catch(
    () => {},
  );
  const metrics = await sidecar.metrics();
  const defects = sidecar.log.filter(({ event }) => String(event).endsWith('.defect'));
  return [
    reported('clients', clients),
    reported('requests that were one', metrics.sum('requests_total', {})),
    exactly('exceptions that nobody caught', defects.length, 0),
    exactly('defects in listeners', metrics.sum('listener_errors_total', {}), 0),
    atMost('descriptors more than before', sidecar.descriptors - before, 1),
    exactly('exit code at the end', (await sidecar.drained()) ?? -1, 0),
  ];
});
