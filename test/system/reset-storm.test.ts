import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startResetStorm, stormConfig } from '../rig/reset-storm.ts';
import { seededRandom } from '../rig/seeded-random.ts';
import { freePort, startSidecarProcess } from '../rig/sidecar-process.ts';

const CLIENTS = 1500;
const AT_ONCE = 30;

test('peers that leave at any moment, on both sides, in any way, end no process and leave nothing behind', async (t) => {
  const storm = await startResetStorm(t, seededRandom(1));
  const tcp = { host: '127.0.0.1', port: await freePort() };
  const sidecar = await startSidecarProcess(t, stormConfig(storm, tcp));
  const targets = { egress: sidecar.egress, admin: sidecar.admin, tcp };

  for (let begun = 0; begun < CLIENTS; begun += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => storm.client(targets)));
  }

  await sidecar.metricIs('bulkhead_in_flight', {}, 0);
  await sidecar.metricIs('tunnels_open', {}, 0);
  assert.equal((await sidecar.metrics()).sum('listener_errors_total', {}), 0);
  assert.deepEqual(
    sidecar.log.filter(({ event }) => String(event).endsWith('.defect')),
    [],
  );
  assert.equal(await sidecar.drained(), 0);
});
