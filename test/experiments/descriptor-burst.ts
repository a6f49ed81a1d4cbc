/**
 * A thousand connections at once to a sidecar that may have 256 descriptors: does it turn in circles, and is it as before
 * when they have gone? Takes about 10 s.
 *
 *     node test/experiments/descriptor-burst.ts
 */
import { connect } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { usageOfTree } from '../bench/process-tree.ts';
import { eventually } from '../rig/eventually.ts';
import { fetchText } from '../rig/metrics.ts';
import { RawClient } from '../rig/raw-client.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, reported, runExperiment } from './experiment.ts';

const SECONDS = 5;

await runExperiment('1,000 connections, 256 descriptors', async (owner) => {
  const sidecar = await startSidecarProcess(owner, { log: { access: 'off' } }, { shell: 'ulimit -n 256' });
  const before = sidecar.descriptors;
  const clients = Array.from({ length: 1000 }, () => {
    const socket = connect({ ...sidecar.egress, allowHalfOpen: true });
    owner.after(() => socket.destroy());
    return new RawClient(socket);
  });
  await eventually('every descriptor is taken', () => sidecar.descriptors >= 255);
  // They come again as soon as they have been turned away.
  const again = setInterval(() => {
    const socket = connect(sidecar.egress);
    socket.on('error', () => {});
    owner.after(() => socket.destroy());
  }, 5);
  const cpuNs = usageOfTree(sidecar.child.pid!).cpuNs;
  await wait(SECONDS * 1000);
  const share = (usageOfTree(sidecar.child.pid!).cpuNs - cpuNs) / 1e9 / SECONDS;
  clearInterval(again);
  const turnedAway = clients.filter(({ isOver }) => isOver).length;
  const leftAt = performance.now();
  for (const client of clients) client.leave();
  const isReady = async () => (await fetchText(sidecar.admin, '/readyz').catch(() => null))?.status === 200;
  await eventually('the admin interface answers', isReady);
  return [
    reported('turned away', turnedAway),
    atMost('CPU, share of a core', share, 0.3),
    reported('ready again after, ms', performance.now() - leftAt),
    atMost('descriptors more than before', sidecar.descriptors - before, 2),
  ];
});
