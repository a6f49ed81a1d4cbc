import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar(
  { after },
  upstreamU([upstream.address], { bulkhead: { concurrency: 1, queue: 5 } }),
);

const post = (path: string, body: string, length = body.length): string =>
  `POST ${path} HTTP/1.1\r\nHost: u.test\r\nContent-Length: ${length}\r\n\r\n${body}`;

test('a client that sends its whole body and then its end gets the answer', async (t) => {
  upstream.handler = answering(ok());
  for (let count = 0; count < 5; count += 1) {
    const client = await connectRaw(t, sidecar.egress);

    client.send(post('/whole', 'x'.repeat(1000))).end();

    assert.equal(statusOf(await client.response()), 200);
    assert.equal(upstream.messages.at(-1)!.body.length, 1000);
  }
});

test('a client that has ended its side waits in the queue with its body', async (t) => {
  const held = Promise.withResolvers<void>();
  upstream.handler = async (exchange) => {
    await exchange.whole();
    await held.promise;
    exchange.write(ok());
  };
  const before = upstream.exchanges.length;
  const first = await connectRaw(t, sidecar.egress);
  first.send('GET /first HTTP/1.1\r\nHost: u.test\r\n\r\n');
  await upstream.exchange(before);
  const second = await connectRaw(t, sidecar.egress);

  second.send(post('/second', 'abc')).end();
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 1);
  held.resolve();

  assert.equal(statusOf(await first.response()), 200);
  assert.equal(statusOf(await second.response()), 200);
  assert.equal(upstream.messages.at(-1)!.body.toString(), 'abc');
});

test('content that comes late, and the client’s end with it, waits in the queue like any other', async (t) => {
  const held = Promise.withResolvers<void>();
  upstream.handler = async (exchange) => {
    await exchange.whole();
    await held.promise;
    exchange.write(ok());
  };
  const before = upstream.exchanges.length;
  const first = await connectRaw(t, sidecar.egress);
  first.send('GET /first HTTP/1.1\r\nHost: u.test\r\n\r\n');
  await upstream.exchange(before);
  const second = await connectRaw(t, sidecar.egress);
  second.send(post('/second', '', 3));
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 1);
  const headAt = performance.now();
  await eventually('the head is old', () => performance.now() - headAt > 60);

  second.send('abc').end();
  const endedAt = performance.now();
  await eventually('the end has been seen', () => performance.now() - endedAt > 60);
  held.resolve();

  assert.equal(statusOf(await second.response()), 200);
  assert.equal(upstream.messages.at(-1)!.body.toString(), 'abc');
});

test('a pipelined request whose body the client ended early is aborted when its turn comes', {
  timeout: 10_000,
}, async (t) => {
  const held = Promise.withResolvers<void>();
  upstream.handler = async (exchange) => {
    await exchange.whole();
    await held.promise;
    exchange.write(ok());
  };
  const before = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.egress);
  client.send(`GET /first HTTP/1.1\r\nHost: u.test\r\n\r\n${post('/short', 'abc', 100)}`).end();
  await upstream.exchange(before);
  held.resolve();
  assert.equal(statusOf(await client.response()), 200);

  await client.closed();

  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'u' }, 0);
  assert.equal(upstream.exchanges[before + 1]?.message ?? null, null);
});

test('a client that ends its side instead of sending the rest of its body still has the whole early answer', {
  timeout: 10_000,
}, async (t) => {
  const body = Buffer.alloc(8 * 1024 * 1024, 'x').toString();
  upstream.handler = (exchange) => exchange.write(ok(body));
  const client = await connectRaw(t, sidecar.egress);
  client.socket.pause();
  client.send(post('/early', 'abc', 1000));
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'u' }, 1);
  client.socket.resume();
  const answer = client.response();
  await client.receivedAtLeast(body.length);
  client.end();

  assert.equal((await answer).body.length, body.length);
  assert.equal(await client.closed(), 'end');
});
