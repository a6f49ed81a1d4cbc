import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const post = 'POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\n\r\nabc';

test('an attempt that has no answer in time is aborted at the socket and tried elsewhere', async (t) => {
  const silent = await startRawUpstream(t, () => {});
  const quick = await startRawUpstream(t);
  const sidecar = await startSidecar(
    t,
    upstreamU([silent.address, quick.address], {
      timeout: { attempt: '100ms' },
      retry: { on: ['timeout'], attempts: 5, budget: { percent: 100, minPerSecond: 100 } },
    }),
  );

  for (let count = 0; count < 6; count += 1) {
    assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get)), 200);
  }

  for (const { connection } of silent.exchanges) await connection.over();
});

test('a late answer to an aborted attempt reaches nobody', async (t) => {
  let count = 0;
  const late = Promise.withResolvers<void>();
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    count += 1;
    if (count > 1) return exchange.write(ok('second'));
    await late.promise;
    exchange.write(ok('late'));
  });
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { timeout: { attempt: '100ms' }, retry: { on: ['timeout'] } }),
  );
  const client = await connectRaw(t, sidecar.egress);

  assert.equal((await client.send(get).response()).body.toString(), 'second');
  late.resolve();
  assert.equal((await client.send(get).response()).body.toString(), 'second');
});

test('an attempt timeout that nothing may repeat is the answer: 504', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { timeout: { attempt: '50ms' } }));

  const response = await exchangeRaw(t, sidecar.egress, post);

  assertOwnAnswer(response, { status: 504, type: 'http_response_timeout', reason: 'attempt_timeout' });
  assert.equal(upstream.exchanges.length, 1);
  await upstream.exchanges[0]!.connection.over();
});

test('the total timeout ends the attempts: no new one begins after it', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      timeout: { attempt: '100ms', total: '250ms' },
      retry: { on: ['timeout'], attempts: 10, budget: { percent: 100, minPerSecond: 100 } },
    }),
  );

  const response = await exchangeRaw(t, sidecar.egress, get);

  assert.equal(statusOf(response), 504);
  assertOwnAnswer(response, { status: 504, type: 'http_response_timeout' });
  const attempts = upstream.exchanges.length;
  assert.ok(attempts >= 1 && attempts <= 3, `${attempts} attempts in 250 ms of 100 ms each`);
  for (const { connection } of upstream.exchanges) await connection.over();
});

test('the total timeout does not run while the client uploads', async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.write(ok('patient'));
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { timeout: { total: '200ms' } }));
  const client = await connectRaw(t, sidecar.egress);

  client.send('POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 40\r\n\r\n');
  for (let count = 0; count < 40; count += 1) {
    client.send('x');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }

  assert.equal((await client.response()).body.toString(), 'patient');
});

test('an answer whose body stands still is given up, uncleanly, and not tried again', async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { timeout: { idle: '150ms' } }));
  const client = await connectRaw(t, sidecar.egress);

  client.send(get);

  await assert.rejects(client.response(), /ended before/);
  await upstream.exchanges[0]!.connection.over();
  assert.equal(upstream.exchanges.length, 1);
  const line = await sidecar.accessLineAt(0);
  assert.equal(line['reason'], 'idle_timeout');
});

test('an answer that goes on moving outlives the idle and the total timeout', async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.write('HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n');
    for (let count = 0; count < 60; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      exchange.write('x');
    }
  });
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { timeout: { attempt: '200ms', idle: '200ms', total: '200ms' } }),
  );

  const response = await exchangeRaw(t, sidecar.egress, get);

  assert.equal(response.body.length, 60);
});

test('a client that takes nothing of a large answer is cut after the idle time, and its upstream with it', async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.write('HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n');
    exchange.write(Buffer.alloc(67_108_864));
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { timeout: { idle: '200ms' } }));
  const client = await connectRaw(t, sidecar.egress);
  client.socket.pause();

  client.send(get);

  const line = await sidecar.accessLineAt(0);
  assert.equal(line['reason'], 'idle_timeout');
  await upstream.exchanges[0]!.connection.over();
  client.socket.resume();
  await assert.rejects(client.response(), /ended before/);
});

test('timeout.body bounds the whole exchange, however it moves', async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    const drip = setInterval(() => exchange.write('1\r\nx\r\n'), 10);
    exchange.connection.socket.on('close', () => clearInterval(drip));
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { timeout: { body: '300ms' } }));
  const client = await connectRaw(t, sidecar.egress);

  client.send(get);

  await assert.rejects(client.response(), /ended before/);
  await upstream.exchanges[0]!.connection.over();
  assert.equal((await sidecar.accessLineAt(0))['reason'], 'body_timeout');
});

test('the slot is held until the end of the body', async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc');
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));
  const client = await connectRaw(t, sidecar.egress);

  await client.send(get).head();
  assert.equal(await sidecar.metric('bulkhead_in_flight', { upstream: 'u' }), 1);
  upstream.exchanges[0]!.write('def');
  await client.response();

  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'u' }, 0);
});
