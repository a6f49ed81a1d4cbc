import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { type Answer, startHttpUpstream } from '../rig/http-upstream.ts';
import { tallyOf } from '../rig/load.ts';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { exchangeRaw } from '../rig/raw-client.ts';
import { type Sidecar, startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';

const failing: Answer = (_call, response) => {
  response.statusCode = 500;
  response.end('broken');
};

const stateIs = (sidecar: Sidecar, state: 0 | 1 | 2): Promise<void> =>
  sidecar.metricIs('breaker_state', { upstream: 'u' }, state);

test('the breaker opens at its volume, not before; then the upstream sees nothing', async (t) => {
  const upstream = await startHttpUpstream(t, failing);
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { breaker: { sleep: '60s' } }));
  const caller = makeCaller(t, sidecar.egress, 1);

  for (let count = 0; count < 19; count += 1) assert.equal(statusOrCode(await caller.call()), 500);
  await stateIs(sidecar, 0);
  assert.equal(statusOrCode(await caller.call()), 500);
  await stateIs(sidecar, 2);
  for (let count = 0; count < 50; count += 1) {
    const response = await exchangeRaw(t, sidecar.egress, get);
    assertOwnAnswer(response, { status: 503, type: 'destination_unavailable', reason: 'circuit_open' });
    const retryAfter = Number(fieldOf(response, 'retry-after'));
    assert.ok(retryAfter >= 1 && retryAfter <= 60, `Retry-After ${retryAfter}`);
  }

  assert.equal(upstream.begun, 20);
  assert.equal(await sidecar.metric('breaker_transitions_total', { upstream: 'u', to: 'open' }), 1);
  assert.equal(await sidecar.metric('rejected_total', { reason: 'circuit_open' }), 50);
});

test('a killed upstream opens the breaker, only probes reach it, and its return closes it', async (t) => {
  const upstream = await startHttpUpstream(t);
  const { port } = upstream;
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { breaker: { volume: 5, sleep: '200ms' }, retry: { attempts: 1 } }),
  );
  const caller = makeCaller(t, sidecar.egress);
  assert.equal(statusOrCode(await caller.call()), 200);
  await upstream.stop();
  for (let count = 0; count < 10; count += 1) await caller.call();
  await stateIs(sidecar, 2);

  const attemptsBefore = await sidecar.metric('attempts_total');
  const startedAt = performance.now();
  await eventually('half a second of refusals', async () => {
    await caller.call();
    return performance.now() - startedAt > 500;
  });
  const probes = (await sidecar.metric('attempts_total')) - attemptsBefore;
  assert.ok(probes >= 1 && probes <= 3, `${probes} attempts in 500 ms of 200 ms sleeps`);
  const returned = await startHttpUpstream(t, undefined, port);
  await eventually('it is served again', async () => statusOrCode(await caller.call()) === 200);

  await stateIs(sidecar, 0);
  assert.ok(returned.begun >= 1);
});

test('while half-open exactly the probes pass and everybody else is refused', async (t) => {
  const upstream = await startHttpUpstream(t, failing);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      // Long enough for the crowd to come within a sleep: after another one the probes that are held would be lost.
      breaker: { volume: 3, sleep: '2s', probes: 2 },
      retry: { attempts: 1 },
    }),
  );
  const caller = makeCaller(t, sidecar.egress);
  for (let count = 0; count < 3; count += 1) await caller.call();
  await stateIs(sidecar, 2);
  const held: (() => void)[] = [];
  upstream.answer = (_call, response) => void held.push(() => response.end('ok'));
  const begunBefore = upstream.begun;
  const calls: ReturnType<typeof caller.call>[] = [];
  await eventually('both probes are out', async () => {
    calls.push(caller.call());
    await new Promise(setImmediate);
    return upstream.begun >= begunBefore + 2;
  });

  const crowd = await Promise.all(Array.from({ length: 200 }, () => caller.call()));

  assert.deepEqual(tallyOf(crowd), { 503: 200 });
  assert.equal(upstream.begun, begunBefore + 2);
  for (const release of held) release();
  await stateIs(sidecar, 0);
  assert.equal(tallyOf(await Promise.all(calls))['200'], 2);
});

test('a failed probe opens the breaker for another sleep', async (t) => {
  const upstream = await startHttpUpstream(t, failing);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { breaker: { volume: 1, sleep: '100ms' }, retry: { attempts: 1 } }),
  );
  const caller = makeCaller(t, sidecar.egress);
  assert.equal(statusOrCode(await caller.call()), 500);

  await eventually('the probe fails', async () => statusOrCode(await caller.call()) === 500);

  assert.equal(statusOrCode(await caller.call()), 503);
  assert.equal(upstream.begun, 2);
  assert.equal(await sidecar.metric('breaker_transitions_total', { from: 'half_open', to: 'open' }), 1);
});

test('answers of 4xx and 501, clients that leave and refusals of our own are no failures', async (t) => {
  const upstream = await startHttpUpstream(t, (call, response) => {
    if (call.path === '/held') return;
    response.statusCode = Number(call.path.slice(1));
    response.end();
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { breaker: { volume: 3 } }));
  const caller = makeCaller(t, sidecar.egress);

  for (const status of [400, 401, 403, 404, 409, 429, 501]) {
    for (let count = 0; count < 5; count += 1) {
      assert.equal(statusOrCode(await caller.call({ path: `/${status}` })), status);
    }
  }
  for (let count = 0; count < 5; count += 1) {
    const leaving = new AbortController();
    const call = caller.call({ path: '/held', signal: leaving.signal });
    await upstream.hasBegun(35 + count + 1);
    leaving.abort();
    await call;
  }

  await stateIs(sidecar, 0);
  assert.equal(await sidecar.metric('attempts_total', { outcome: 'failure' }), 0);
});

test('one route of an upstream may be open while the other serves', async (t) => {
  const upstream = await startHttpUpstream(t, (call, response, request_) =>
    call.path === '/bad' ? failing(call, response, request_) : response.end('ok'),
  );
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      breaker: { volume: 3, sleep: '60s' },
      routes: [
        { name: 'bad', match: { path: '/bad' } },
        { name: 'rest', match: { path: '/*' } },
      ],
    }),
  );
  const caller = makeCaller(t, sidecar.egress);

  for (let count = 0; count < 3; count += 1) await caller.call({ path: '/bad' });

  assert.equal(statusOrCode(await caller.call({ path: '/bad' })), 503);
  assert.equal(statusOrCode(await caller.call({ path: '/good' })), 200);
  assert.equal(await sidecar.metric('breaker_state', { upstream: 'u', route: 'bad' }), 2);
  assert.equal(await sidecar.metric('breaker_state', { upstream: 'u', route: 'rest' }), 0);
});

test('when the breaker trips, those who wait in the queue are told at once', async (t) => {
  const held = Promise.withResolvers<void>();
  const upstream = await startHttpUpstream(t, async (_call, response) => {
    await held.promise;
    response.statusCode = 500;
    response.end();
  });
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      bulkhead: { concurrency: 1, queue: 5, queueTimeout: '14s' },
      breaker: { volume: 1, sleep: '60s' },
      retry: { attempts: 1 },
    }),
  );
  const caller = makeCaller(t, sidecar.egress);
  const calls = Array.from({ length: 4 }, () => caller.call());
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 3);

  held.resolve();

  assert.deepEqual(tallyOf(await Promise.all(calls)), { 500: 1, 503: 3 });
  assert.equal(upstream.begun, 1);
});

/** The admin's switch. */
const force = (sidecar: Sidecar, name: string, value: 'open' | 'closed' | 'none'): Promise<number> =>
  new Promise((resolve, reject) => {
    const outgoing = request({
      ...sidecar.admin,
      method: 'POST',
      path: `/breakers/${name}`,
      headers: { 'content-type': 'application/json', 'x-outrigger-admin': '1' },
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    outgoing.end(JSON.stringify({ force: value }));
  });

test('an operator opens a breaker, and takes it back', async (t) => {
  const upstream = await startHttpUpstream(t);
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));

  assert.ok((await force(sidecar, 'u', 'open')) < 300);
  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get)), 503);
  assert.equal(upstream.begun, 0);
  assert.ok((await force(sidecar, 'u', 'none')) < 300);

  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get)), 200);
});
