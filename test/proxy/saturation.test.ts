import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCaller } from '../rig/http-call.ts';
import { Held, startHttpUpstream } from '../rig/http-upstream.ts';
import { closedLoop, tallyOf } from '../rig/load.ts';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';

test('of 100 concurrent calls 10 run, 5 wait and 85 are refused at once; the upstream never sees an 11th', async (t) => {
  const held = new Held();
  const upstream = await startHttpUpstream(t, held.answer);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { bulkhead: { concurrency: 10, queue: 5, queueTimeout: '14s' } }),
  );
  const caller = makeCaller(t, sidecar.egress);
  let answered = 0;

  const calls = closedLoop(100, 100, async () => {
    const result = await caller.call();
    answered += 1;
    return result;
  });
  await sidecar.metricIs('rejected_total', { reason: 'bulkhead_full' }, 85);

  assert.equal(await sidecar.metric('bulkhead_in_flight', { upstream: 'u' }), 10);
  assert.equal(await sidecar.metric('bulkhead_queued', { upstream: 'u' }), 5);
  await upstream.hasBegun(10);
  assert.equal(upstream.begun, 10);
  held.release();
  assert.deepEqual(tallyOf(await calls), { 200: 15, 503: 85 });
  assert.equal(answered, 100);
  assert.equal(upstream.maxInFlight, 10);
  assert.equal(upstream.begun, 15);
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'u' }, 0);
  assert.equal(await sidecar.metric('bulkhead_queued', { upstream: 'u' }), 0);
});

test('a refusal of the bulkhead says so, and does not count against the breaker', async (t) => {
  const held = new Held();
  const upstream = await startHttpUpstream(t, held.answer);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { bulkhead: { concurrency: 1, queue: 0 }, breaker: { volume: 2 } }),
  );
  const running = await connectRaw(t, sidecar.egress);
  running.send(get);
  await upstream.hasBegun(1);

  for (let count = 0; count < 30; count += 1) {
    const response = await exchangeRaw(t, sidecar.egress, get);
    assertOwnAnswer(response, { status: 503, type: 'connection_limit_reached', reason: 'bulkhead_full' });
  }

  assert.equal(await sidecar.metric('breaker_state', { upstream: 'u' }), 0);
  held.release();
  assert.equal(statusOf(await running.response()), 200);
});

test('a call that waits too long in the queue is told so, and was never sent', async (t) => {
  const upstream = await startHttpUpstream(t, () => {});
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { bulkhead: { concurrency: 1, queue: 1, queueTimeout: '50ms' } }),
  );
  const running = await connectRaw(t, sidecar.egress);
  running.send(get);
  await upstream.hasBegun(1);

  const response = await exchangeRaw(t, sidecar.egress, get);

  assertOwnAnswer(response, { status: 503, type: 'connection_limit_reached', reason: 'queue_timeout' });
  assert.equal(upstream.begun, 1);
});

test('those who wait are served in the order in which they came', async (t) => {
  const releases: (() => void)[] = [];
  const upstream = await startHttpUpstream(t, (call, response) => {
    releases.push(() => response.end(call.path));
  });
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { bulkhead: { concurrency: 1, queue: 5, queueTimeout: '14s' } }),
  );
  const clients = [];
  for (const path of ['/0', '/1', '/2', '/3']) {
    const client = await connectRaw(t, sidecar.egress);
    client.send(`GET ${path} HTTP/1.1\r\nHost: u.test\r\n\r\n`);
    clients.push(client);
    await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, clients.length - 1);
  }

  for (let index = 0; index < 4; index += 1) {
    await upstream.changed.until(() => (releases.length > index ? true : null));
    releases[index]!();
  }

  assert.deepEqual(
    upstream.calls.map(({ path }) => path),
    ['/0', '/1', '/2', '/3'],
  );
});

test('one saturated upstream leaves another untouched', async (t) => {
  const held = new Held();
  const slow = await startHttpUpstream(t, held.answer);
  const quick = await startHttpUpstream(t);
  const sidecar = await startSidecar(t, {
    upstreams: {
      slow: { endpoints: [slow.address], bulkhead: { concurrency: 2, queue: 0 } },
      quick: { endpoints: [quick.address] },
    },
  });
  const caller = makeCaller(t, sidecar.egress);
  const stuck = closedLoop(2, 2, () => caller.call({ host: 'slow' }));
  await slow.hasBegun(2);

  const results = await closedLoop(50, 5, () => caller.call({ host: 'quick' }));

  assert.deepEqual(tallyOf(results), { 200: 50 });
  assert.deepEqual(tallyOf([await caller.call({ host: 'slow' })]), { 503: 1 });
  held.release();
  assert.deepEqual(tallyOf(await stuck), { 200: 2 });
});

test('a route that writes its own bulkhead does not fill its upstream’s', async (t) => {
  const held = new Held();
  const upstream = await startHttpUpstream(t, (call, response, request) =>
    call.path.startsWith('/own') ? held.answer(call, response, request) : response.end('ok'),
  );
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      bulkhead: { concurrency: 1, queue: 0 },
      routes: [
        { name: 'own', match: { path: '/own' }, bulkhead: { concurrency: 1, queue: 0 } },
        { name: 'rest', match: { path: '/*' } },
      ],
    }),
  );
  const caller = makeCaller(t, sidecar.egress);
  const stuck = caller.call({ path: '/own' });
  await upstream.hasBegun(1);

  assert.deepEqual(tallyOf([await caller.call({ path: '/own' })]), { 503: 1 });
  assert.deepEqual(tallyOf([await caller.call({ path: '/other' })]), { 200: 1 });
  held.release();
  assert.deepEqual(tallyOf([await stuck]), { 200: 1 });
});

test('attempts that time out are aborted, and never let the upstream see more than the limit', async (t) => {
  const upstream = await startHttpUpstream(t, () => {});
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      bulkhead: { concurrency: 3, queue: 0 },
      timeout: { attempt: '60ms', total: '60ms' },
      breaker: { force: 'closed' },
      retry: { attempts: 1 },
    }),
  );
  const caller = makeCaller(t, sidecar.egress);

  await closedLoop(60, 10, () => caller.call());

  assert.ok(upstream.maxInFlight <= 3, `${upstream.maxInFlight} at once`);
  await upstream.changed.until(() => (upstream.inFlight === 0 ? true : null));
  assert.equal(upstream.aborted, upstream.begun);
});
