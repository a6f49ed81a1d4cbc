import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { connectRaw, type RawClient } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const waiting = (): void => {};

const departures: readonly (readonly [how: string, leave: (client: RawClient) => void])[] = [
  ['resets', (client) => client.reset()],
  ['closes', (client) => client.leave()],
];

for (const [how, leave] of departures) {
  test(`a client that ${how} while it waits takes its attempt with it`, async (t) => {
    const upstream = await startRawUpstream(t, waiting);
    const sidecar = await startSidecar(t, upstreamU([upstream.address]));
    const client = await connectRaw(t, sidecar.egress);
    client.send(get);
    const exchange = await upstream.exchange(0);

    leave(client);

    // A FIN alone could be a half-close that waits for its answer; a closed socket answers the next byte with RST.
    if (how === 'closes') exchange.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(3));
    await exchange.connection.over();
    await sidecar.metricIs('bulkhead_in_flight', { upstream: 'u' }, 0);
    const line = await sidecar.accessLineAt(0);
    assert.equal(line['reason'], 'client_gone');
    assert.equal(line['status'], 499);
    assert.equal(await sidecar.metric('attempts_total', { outcome: 'failure' }), 0);
  });

  test(`a client that ${how} during its upload aborts the upload`, async (t) => {
    const upstream = await startRawUpstream(t, waiting);
    const sidecar = await startSidecar(t, upstreamU([upstream.address]));
    const client = await connectRaw(t, sidecar.egress);
    client.send('POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 100\r\n\r\nabc');
    const exchange = await upstream.exchange(0);

    leave(client);

    await exchange.connection.over();
    assert.equal(exchange.message, null);
    await sidecar.metricIs('bulkhead_in_flight', { upstream: 'u' }, 0);
  });

  test(`a client that ${how} during its download stops the download`, async (t) => {
    const upstream = await startRawUpstream(t, async (exchange) => {
      await exchange.whole();
      exchange.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
    });
    const sidecar = await startSidecar(t, upstreamU([upstream.address]));
    const client = await connectRaw(t, sidecar.egress);
    await client.send(get).head();

    leave(client);
    const { connection } = await upstream.exchange(0);
    const feed = setInterval(() => connection.write('3\r\nabc\r\n'), 5);
    t.after(() => clearInterval(feed));

    await connection.over();
    await sidecar.metricIs('bulkhead_in_flight', { upstream: 'u' }, 0);
    const line = await sidecar.accessLineAt(0);
    assert.equal(line['reason'], 'client_gone');
  });
}

test('a client that leaves the queue gives its place to the next', async (t) => {
  const upstream = await startRawUpstream(t, waiting);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { bulkhead: { concurrency: 1, queue: 1, queueTimeout: '14s' } }),
  );
  const running = await connectRaw(t, sidecar.egress);
  running.send(get);
  await upstream.exchange(0);
  const queued = await connectRaw(t, sidecar.egress);
  queued.send(get);
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 1);

  queued.reset();
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 0);
  const next = await connectRaw(t, sidecar.egress);
  next.send(get);
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 1);
  upstream.exchanges[0]!.write(ok());
  (await upstream.exchange(1)).write(ok('mine'));

  assert.equal((await next.response()).body.toString(), 'mine');
  assert.equal(upstream.exchanges.length, 2, 'the one that left was never sent');
});

test('a client that leaves gives its slot to one that waits', async (t) => {
  const upstream = await startRawUpstream(t, waiting);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { bulkhead: { concurrency: 1, queue: 1, queueTimeout: '14s' } }),
  );
  const running = await connectRaw(t, sidecar.egress);
  running.send(get);
  await upstream.exchange(0);
  const queued = await connectRaw(t, sidecar.egress);
  queued.send(get);
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 1);

  running.reset();
  (await upstream.exchange(1)).write(ok('mine'));

  assert.equal((await queued.response()).body.toString(), 'mine');
});

test('a probe whose client leaves gives its token back: the next request is the probe', async (t) => {
  const upstream = await startRawUpstream(t, answering('HTTP/1.1 500 Bad\r\nContent-Length: 0\r\n\r\n'));
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { breaker: { volume: 1, sleep: '50ms' }, retry: { attempts: 1 } }),
  );
  const first = await connectRaw(t, sidecar.egress);
  assert.equal(statusOf(await first.send(get).response()), 500);
  upstream.handler = waiting;
  const probing = await connectRaw(t, sidecar.egress);
  await eventually('the probe is let through', async () => {
    if (upstream.exchanges.length > 1) return true;
    if ((await sidecar.metric('bulkhead_in_flight', { upstream: 'u' })) > 0) return false;
    probing.send(get);
    return false;
  });

  probing.reset();
  await (await upstream.exchange(1)).connection.over();
  upstream.handler = answering(ok('recovered'));
  const next = await connectRaw(t, sidecar.egress);

  assert.equal((await next.send(get).response()).body.toString(), 'recovered');
  await sidecar.metricIs('breaker_state', { upstream: 'u' }, 0);
});

test('two hundred clients that leave at any moment leave nothing behind', async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.write('HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\npart');
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));

  for (let index = 0; index < 200; index += 1) {
    const client = await connectRaw(t, sidecar.egress);
    client.send(index % 3 === 0 ? get.slice(0, 20) : get);
    if (index % 3 === 1) await client.head();
    client.reset();
  }

  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'u' }, 0);
  await eventually('every upstream connection is over', () =>
    upstream.connections.every(({ isOver }) => isOver),
  );
  upstream.handler = answering(ok('still here'));
  const client = await connectRaw(t, sidecar.egress);
  assert.equal((await client.send(get).response()).body.toString(), 'still here');
});
