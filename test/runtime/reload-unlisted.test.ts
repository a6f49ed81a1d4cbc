import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { fetchText } from '../rig/metrics.ts';
import { type ConfigText, startSidecar } from '../rig/sidecar.ts';

const tripping = { volume: 2, errorPercent: 50, sleep: '1h' };

test('a destination that no upstream names keeps its breaker under new defaults', async (t) => {
  const config = (errorPercent: number): ConfigText => ({
    egress: { unlisted: 'allow' },
    defaults: { retry: { attempts: 1 }, breaker: { ...tripping, errorPercent } },
  });
  const sidecar = await startSidecar(t, config(50));
  const caller = makeCaller(t, sidecar.egress);
  const host = 'localhost:9';
  await caller.call({ host });
  await caller.call({ host });
  assert.equal((await sidecar.breaker(host))['state'], 'open');

  await sidecar.reload(config(80));

  assert.equal((await sidecar.breaker(host))['state'], 'open');
  assert.equal(statusOrCode(await caller.call({ host })), 503);
});

test('a destination that no upstream names keeps what its requests have earned for retries', async (t) => {
  const upstream = await startHttpUpstream(t);
  const config = (errorPercent: number): ConfigText => ({
    egress: { unlisted: 'allow' },
    defaults: {
      retry: { attempts: 2, on: ['503'], budget: { percent: 20, minPerSecond: 0 } },
      breaker: { errorPercent },
    },
  });
  const sidecar = await startSidecar(t, config(50));
  const caller = makeCaller(t, sidecar.egress);
  const host = upstream.address.replace('127.0.0.1', 'localhost');
  for (let call = 0; call < 5; call += 1) await caller.call({ host });
  upstream.answer = (_call, response) => response.writeHead(503).end();

  await sidecar.reload(config(60));
  await caller.call({ host });

  assert.equal(upstream.begun, 5 + 2);
});

test('destinations that may no longer be called are refused and forgotten', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => response.end('ok'));
  const host = upstream.address.replace('127.0.0.1', 'localhost');
  const sidecar = await startSidecar(t, { egress: { unlisted: 'allow' } });
  const caller = makeCaller(t, sidecar.egress);
  assert.equal(statusOrCode(await caller.call({ host })), 200);

  await sidecar.reload({ egress: { unlisted: 'deny' } });

  assert.equal(statusOrCode(await caller.call({ host })), 403);
  assert.equal((await fetchText(sidecar.admin, `/breakers/${host}`)).status, 404);
});
