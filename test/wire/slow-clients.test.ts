import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { goodRequest } from '../rig/refusal-table.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar(
  { after },
  {
    ...upstreamU([upstream.address]),
    limits: { headTimeout: '300ms', bodyIdle: '300ms', keepAlive: '300ms' },
  },
);

test('a client that never finishes its head is told 408 and cut', async (t) => {
  const before = upstream.received.length;
  const client = await connectRaw(t, sidecar.egress);
  client.send('GET / HTTP/1.1\r\nHost: u.t');

  assert.equal(statusOf(await client.response()), 408);
  await client.closed();
  assert.equal(upstream.received.length, before);
});

test('a head that comes byte by byte gets no more time for it', async (t) => {
  const client = await connectRaw(t, sidecar.egress);
  client.send('GET / HTTP/1.1\r\nHost: u.test\r\nX-A: ');
  const drip = setInterval(() => client.send('x'), 20);
  t.after(() => clearInterval(drip));

  await client.closed();

  if (client.received.length > 0) assert.equal(statusOf(await client.response()), 408);
});

test('a client that connects and says nothing is cut', async (t) => {
  const client = await connectRaw(t, sidecar.egress);
  await client.closed();
});

test('a client that stops in the middle of its body is cut, and its upstream exchange aborted', async (t) => {
  const index = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.egress);
  client.send('POST / HTTP/1.1\r\nHost: u.test\r\nContent-Length: 100\r\n\r\nabc');

  await client.closed();

  const exchange = upstream.exchanges[index]!;
  await exchange.connection.over();
  assert.equal(exchange.message, null);
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'u' }, 0);
});

test('a body that keeps moving outlives the idle time', async (t) => {
  const client = await connectRaw(t, sidecar.egress);
  client.send('POST / HTTP/1.1\r\nHost: u.test\r\nContent-Length: 30\r\n\r\n');
  for (let count = 0; count < 30; count += 1) {
    client.send('x');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.equal(statusOf(await client.response()), 200);
});

test('a kept connection without a request is closed without a word', async (t) => {
  const client = await connectRaw(t, sidecar.egress);
  assert.equal(statusOf(await client.send(goodRequest.replace('Connection: close\r\n', '')).response()), 200);

  assert.equal(await client.closed(), 'end');
  assert.equal(client.unread.length, 0);
});

test('three hundred half-sent heads are all cut while others are served', async (t) => {
  const clients = await Promise.all(Array.from({ length: 300 }, () => connectRaw(t, sidecar.egress)));
  for (const client of clients) client.send('GET / HTTP/1.1\r\nHost: u.test\r\nX-Slow:');

  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, goodRequest)), 200);
  await Promise.all(clients.map((client) => client.closed()));
});
