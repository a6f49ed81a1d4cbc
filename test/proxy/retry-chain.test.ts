import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCaller } from '../rig/http-call.ts';
import { closedLoop } from '../rig/load.ts';
import type { Owner } from '../rig/owner.ts';
import { exchangeRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { type Sidecar, startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const failing = 'HTTP/1.1 503 Odd\r\nContent-Length: 0\r\n\r\n';
const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const policy = {
  breaker: { force: 'closed' },
  retry: { attempts: 3, backoff: { base: '1ms', max: '1ms' }, budget: { percent: 100, minPerSecond: 1000 } },
};

/** Two sidecars in a row: app → A → B → upstream. */
const startChain = async (owner: Owner, endpoint: string): Promise<{ a: Sidecar; b: Sidecar }> => {
  const b = await startSidecar(owner, upstreamU([endpoint], policy));
  const { host, port } = b.listener('u');
  const a = await startSidecar(owner, upstreamU([`${host}:${port}`], policy));
  return { a, b };
};

test('two sidecars in a row make five attempts at a failing upstream, not nine', async (t) => {
  const upstream = await startRawUpstream(t, answering(failing));
  const { a, b } = await startChain(t, upstream.address);

  const response = await exchangeRaw(t, a.egress, get);

  assert.equal(statusOf(response), 503);
  // The first one of A is unmarked, and B tries it three times; the second and the third of A once each.
  assert.deepEqual(
    upstream.exchanges.map((exchange) => fieldOf(exchange, 'x-outrigger-attempt') ?? 'none'),
    ['none', '2', '3', '2', '3'],
  );
  assert.equal(await a.metric('attempts_total', { upstream: 'u' }), 3);
  assert.equal(await a.metric('retries_total', { upstream: 'u' }), 2);
  assert.equal(await b.metric('requests_total', { upstream: 'u' }), 3);
  assert.equal(await b.metric('attempts_total', { upstream: 'u' }), 5);
  assert.equal(await b.metric('retries_total', { upstream: 'u' }), 2);
  assert.equal(await b.metric('retries_skipped_total', { reason: 'already_retried' }), 2);
  await b.accessLineAt(2);
  assert.deepEqual(
    b.accessLog.map(({ retrySkipped }) => retrySkipped),
    [null, 'already_retried', 'already_retried'],
  );
});

test('under load the chain multiplies no request by more than five', async (t) => {
  const upstream = await startRawUpstream(t, answering(failing));
  const { a } = await startChain(t, upstream.address);
  const caller = makeCaller(t, a.egress);

  await closedLoop(40, 4, () => caller.call());

  assert.equal(upstream.exchanges.length, 200);
});

test('a failure that passes is still healed by the sidecar that is nearest to it', async (t) => {
  let count = 0;
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    count += 1;
    exchange.write(count === 1 ? failing : ok());
  });
  const { a } = await startChain(t, upstream.address);

  assert.equal(statusOf(await exchangeRaw(t, a.egress, get)), 200);

  assert.equal(upstream.exchanges.length, 2);
  assert.equal(await a.metric('attempts_total', { upstream: 'u' }), 1);
});
