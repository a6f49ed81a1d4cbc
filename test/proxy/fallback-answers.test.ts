import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fallbackWords } from '../../src/config/fallback-words.ts';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { answering, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const failing = answering('HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n');
const ratings = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: '{"ratings":[]}',
};

test('an open circuit is answered by the fallback, whole and with its headers', async (t) => {
  const upstream = await startRawUpstream(t, failing);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      breaker: { volume: 1, sleep: '60s' },
      retry: { attempts: 1 },
      fallback: { on: ['circuit_open'], ...ratings },
    }),
  );
  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get)), 500);

  const response = await exchangeRaw(t, sidecar.egress, get);

  assert.equal(statusOf(response), 200);
  assert.equal(fieldOf(response, 'content-type'), 'application/json');
  assert.equal(response.body.toString(), '{"ratings":[]}');
  assert.equal(
    fieldOf(response, 'proxy-status'),
    'outrigger; error=proxy_internal_response; details="reason=circuit_open upstream=u attempts=0"',
  );
  assert.equal(fieldOf(response, 'retry-after'), undefined);
  assert.equal(upstream.exchanges.length, 1);
});

test('a timeout is answered by the fallback', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      timeout: { attempt: '50ms', total: '50ms' },
      fallback: { on: ['timeout'], ...ratings },
    }),
  );

  const response = await exchangeRaw(t, sidecar.egress, get);

  assert.equal(response.body.toString(), '{"ratings":[]}');
  await upstream.exchanges[0]!.connection.over();
});

test('the fallback answers HEAD without a body and with its length', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { timeout: { total: '50ms' }, fallback: { on: ['timeout'], ...ratings } }),
  );

  const client = await connectRaw(t, sidecar.egress);
  const response = await client.send('HEAD /x HTTP/1.1\r\nHost: u.test\r\n\r\n').response({ toHead: true });

  assert.equal(statusOf(response), 200);
  assert.equal(fieldOf(response, 'content-length'), '14');
  assert.equal(client.unread.length, 0);
});

for (const status of [204, 304]) {
  test(`a fallback of ${status} has neither content nor a length, and the connection goes on`, async (t) => {
    const sidecar = await startSidecar(
      t,
      upstreamU(['127.0.0.1:1'], { breaker: { force: 'open' }, fallback: { on: ['circuit_open'], status } }),
    );
    const client = await connectRaw(t, sidecar.egress);

    for (let count = 0; count < 2; count += 1) {
      const response = await client.send(get).response();
      assert.equal(statusOf(response), status);
      assert.equal(fieldOf(response, 'content-length'), undefined);
    }
    assert.equal(client.unread.length, 0);
  });
}

test('a large fallback that a client asks for again and again on one connection comes whole each time', async (t) => {
  const body = 'é'.repeat(200_000);
  const sidecar = await startSidecar(
    t,
    upstreamU(['127.0.0.1:1'], {
      breaker: { force: 'open' },
      fallback: { on: ['circuit_open'], body, concurrency: 1 },
    }),
  );
  const client = await connectRaw(t, sidecar.egress);

  client.send(get.repeat(5));

  for (let count = 0; count < 5; count += 1) {
    assert.equal((await client.response()).body.toString(), body);
  }
});

test('a malformed body is the client’s own doing: it is told so, whatever the fallback is for', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { fallback: { on: fallbackWords, ...ratings } }),
  );

  const response = await exchangeRaw(
    t,
    sidecar.egress,
    'PUT /x HTTP/1.1\r\nHost: u.test\r\nTransfer-Encoding: chunked\r\n\r\nthree\r\n',
  );

  assertOwnAnswer(response, { status: 400, reason: 'bad_request' });
});

test('a client that left gets no fallback, and none is counted', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { fallback: { on: fallbackWords, ...ratings } }),
  );
  const client = await connectRaw(t, sidecar.egress);
  client.send(get);
  await upstream.exchange(0);

  client.reset();

  assert.equal((await sidecar.accessLineAt(0))['fallback'], false);
  assert.equal(await sidecar.metric('requests_total', { outcome: 'fallback' }), 0);
  assert.equal(await sidecar.metric('requests_total', { outcome: 'cancelled', code: '499' }), 1);
});

test('each fallback is a request of the outcome "fallback" with the status that was sent', async (t) => {
  const upstream = await startRawUpstream(t, failing);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      breaker: { volume: 2, sleep: '60s' },
      retry: { attempts: 1 },
      fallback: { on: ['circuit_open', 'upstream_status'], ...ratings, status: 203 },
    }),
  );

  for (let count = 0; count < 5; count += 1) await exchangeRaw(t, sidecar.egress, get);

  const metrics = await sidecar.metrics();
  assert.equal(metrics.sum('requests_total'), 5);
  assert.equal(metrics.sum('requests_total', { outcome: 'fallback', code: '203' }), 5);
  assert.equal(metrics.sum('attempts_total', { outcome: 'failure', reason: 'upstream_status' }), 2);
  assert.equal(metrics.sum('rejected_total', { reason: 'circuit_open' }), 3);
  const rolling = (await sidecar.breaker('u'))['rolling'] as Record<string, number>;
  assert.deepEqual(
    [rolling['fallbackSuccess'], rolling['fallbackRejected'], rolling['fallbackMissing']],
    [5, 0, 0],
  );
});

test('a reason that the fallback does not name is answered as it is', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      timeout: { total: '50ms' },
      fallback: { on: ['circuit_open'], ...ratings },
    }),
  );

  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get)), 504);
});

test('a fallback is no success for the breaker', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      timeout: { total: '20ms' },
      breaker: { volume: 5, sleep: '60s' },
      retry: { attempts: 1 },
      fallback: { on: ['timeout', 'circuit_open'], ...ratings },
    }),
  );

  for (let count = 0; count < 8; count += 1) {
    assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get)), 200);
  }

  await sidecar.metricIs('breaker_state', { upstream: 'u' }, 2);
  assert.equal(upstream.exchanges.length, 5);
});
