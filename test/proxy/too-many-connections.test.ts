import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { eventually } from '../rig/eventually.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { fetchText } from '../rig/metrics.ts';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const get = 'GET / HTTP/1.1\r\nHost: u.test\r\n\r\n';

test('one connection too many is told so, the admin interface goes on, and room is there as soon as others leave', async (t) => {
  const upstream = await startHttpUpstream(t);
  const sidecar = await startSidecar(t, {
    ...upstreamU([upstream.address]),
    egress: { maxConnections: 20 },
  });
  const idle = await Promise.all(Array.from({ length: 20 }, () => connectRaw(t, sidecar.egress)));
  for (const client of idle) assert.equal(statusOf(await client.send(get).response()), 200);

  const refused = await exchangeRaw(t, sidecar.egress, get);
  const probe = await fetchText(sidecar.admin, '/readyz');
  for (const client of idle) client.leave();
  await eventually('there is room again', async () => {
    const client = await connectRaw(t, sidecar.egress);
    const response = await client.send(get).finalResponse();
    client.leave();
    return statusOf(response) === 200;
  });

  assertOwnAnswer(refused, { status: 503, type: 'connection_limit_reached', reason: 'too_many_connections' });
  assert.equal(probe.status, 200);
  assert.ok((await sidecar.metric('rejected_total', { reason: 'too_many_connections' })) >= 1);
});

test('a TCP connection too many is reset, and stands in the log with the reason', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const sidecar = await startSidecar(t, {
    egress: { maxConnections: 2 },
    upstreams: { db: { protocol: 'tcp', listen: '127.0.0.1:0', endpoints: [server.address] } },
  });
  for (let i = 0; i < 2; i += 1) await (await connectBytes(t, sidecar.listener('db'))).hears('hello');

  const third = await connectBytes(t, sidecar.listener('db'));

  assert.equal(await third.over(), 'by a reset');
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual(
    [line['reason'], line['protocol'], line['closeReason']],
    ['too_many_connections', 'tcp', null],
  );
  assert.equal(server.peers.length, 2);
});
