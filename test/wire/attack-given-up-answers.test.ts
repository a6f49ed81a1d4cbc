import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const stalledBusy = 'HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\nnever the rest';

test('an answer that was given up for a retry and never ends keeps its place in the pool for a bounded time', {
  timeout: 20_000,
}, async (t) => {
  const upstream = await startRawUpstream(t, answering(stalledBusy));
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      pool: { connectionsPerEndpoint: 2, idle: '300ms' },
      retry: { attempts: 2, backoff: { base: '1ms', max: '1ms' } },
      timeout: { total: '5s' },
      breaker: { force: 'closed' },
    }),
  );
  const client = await connectRaw(t, sidecar.egress);
  assert.equal(statusOf(await client.send(get).head()), 503);
  await upstream.exchanges[0]!.connection.over();
  client.leave();

  upstream.handler = answering(ok());
  const next = await connectRaw(t, sidecar.egress);
  assert.equal(statusOf(await next.send(get).response()), 200);
});

test('an answer that a fallback replaced and that never ends gives its place back', {
  timeout: 20_000,
}, async (t) => {
  const upstream = await startRawUpstream(t, answering(stalledBusy));
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      pool: { connectionsPerEndpoint: 1, idle: '300ms' },
      retry: { attempts: 1 },
      fallback: { on: ['upstream_status'], status: 200, body: 'instead' },
      breaker: { force: 'closed' },
    }),
  );
  const client = await connectRaw(t, sidecar.egress);

  assert.equal((await client.send(get).response()).body.toString(), 'instead');

  await upstream.exchanges[0]!.connection.over();
  upstream.handler = answering(ok('again'));
  assert.equal((await client.send(get).response()).body.toString(), 'again');
});

test('an answer held for a retry that does not take place passes on, though its server has closed meanwhile', {
  timeout: 20_000,
}, async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.write('HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 10\r\n\r\nbusy, sir!');
    exchange.connection.socket.end();
  });
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      retry: { attempts: 2, backoff: { base: '200ms', max: '200ms' } },
      breaker: { volume: 1, errorPercent: 1 },
    }),
  );
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send(get).response();

  assert.equal(statusOf(response), 503);
  assert.equal(response.body.toString(), 'busy, sir!');
  assert.equal(upstream.exchanges.length, 1);
});
