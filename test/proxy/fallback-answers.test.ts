import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  assert.match(fieldOf(response, 'proxy-status') ?? '', /^outrigger; error=.*reason=circuit_open/);
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
