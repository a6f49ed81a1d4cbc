import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';

/** What keeps this process alive, by kind. */
const held = (kind: string): number =>
  process.getActiveResourcesInfo().filter((name) => name === kind).length;

test('a closed sidecar holds no timer and no socket, whatever was under way', async (t) => {
  const timersBefore = held('Timeout');
  const upstream = await startRawUpstream(t, () => {});
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { bulkhead: { concurrency: 2, queue: 2, queueTimeout: '14s' } }),
  );
  const clients = await Promise.all([1, 2, 3, 4, 5].map(() => connectRaw(t, sidecar.egress)));
  for (const client of clients) client.send('GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n');
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 2);
  clients[0]!.reset();

  await sidecar.app.close();

  await Promise.all(clients.slice(1).map((client) => client.closed()));
  upstream.kill();
  for (const client of clients) client.leave();
  await eventually('no timer is left', () => held('Timeout') <= timersBefore);
  await eventually('no socket is left', () => held('TCPSocketWrap') === 0);
  assert.equal(held('TCPServerWrap'), 0);
});
