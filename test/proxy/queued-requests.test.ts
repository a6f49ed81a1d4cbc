import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { type CallResult, makeCaller } from '../rig/http-call.ts';
import { Held, type HttpUpstream, startHttpUpstream } from '../rig/http-upstream.ts';
import { tallyOf } from '../rig/load.ts';
import { nothing, Pipeline } from '../rig/pipeline.ts';
import { connectRaw, type RawClient } from '../rig/raw-client.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';

const MIB = 1024 * 1024;

/** Reasons that the answers give, in their order. */
const reasonsOf = (results: readonly CallResult[]): string[] =>
  results.map((result) =>
    result.kind === 'answer'
      ? (/reason=(\w+)/.exec(`${result.headers['proxy-status']}`)?.[1] ?? '')
      : result.code,
  );

test('when the breaker trips, those who wait are told at once, before any time has passed', () => {
  const pipeline = new Pipeline({
    bulkhead: { concurrency: 1, queue: 5, queueTimeout: '14s' },
    breaker: { volume: 1, errorPercent: 1 },
    retry: { attempts: 1 },
  });
  pipeline.request();
  const waiting = Array.from({ length: 5 }, () => pipeline.request('PUT', ['Content-Length: 3']));

  // The breaker votes at the head: the slot is held until the body's end, and frees no place that could tell them.
  pipeline.transport.last.head(500);

  assert.deepEqual(
    waiting.map(({ reason, status }) => [reason, status]),
    Array(5).fill(['circuit_open', 503]),
  );
  assert.deepEqual([pipeline.bulkhead.queued, pipeline.bulkhead.inFlight], [0, 1]);
  assert.equal(pipeline.bulkhead.rejectedTotal, 0, 'the bulkhead refused nobody');
  pipeline.transport.last.data('ok');
  pipeline.transport.last.end();
  assert.deepEqual(pipeline.held, nothing);
});

test('the place of an attempt that timed out is free when it has been aborted, and not before', () => {
  const pipeline = new Pipeline({
    bulkhead: { concurrency: 1, queue: 1 },
    timeout: { attempt: '60ms' },
    retry: { attempts: 1 },
  });
  pipeline.request();
  const zombie = pipeline.transport.last;
  const next = pipeline.request();
  pipeline.clock.advance(59);
  assert.equal(pipeline.transport.attempts.length, 1);

  pipeline.transport.onStart = () => assert.notEqual(zombie.abortedWith, null);
  pipeline.clock.advance(1);

  assert.equal(pipeline.transport.attempts.length, 2);
  pipeline.transport.last.answer(200);
  assert.equal(next.status, 200);
});

/** Answers that wait until the test gives them. */
const startAnswering = async (t: Parameters<typeof startHttpUpstream>[0]) => {
  const open: { path: string; response: ServerResponse }[] = [];
  const upstream: HttpUpstream = await startHttpUpstream(t, ({ path }, response) => {
    open.push({ path, response });
  });
  return {
    upstream,
    /** Sends the head and the beginning of a body to one that waits; the end when the result is called. */
    begin: (path: string, status: number): (() => void) => {
      const index = open.findIndex((call) => call.path === path);
      const { response } = open.splice(index, 1)[0]!;
      response.writeHead(status).write('begun');
      return () => response.end();
    },
    has: (calls: number) => upstream.changed.until(() => (upstream.calls.length >= calls ? true : null)),
  };
};

test('10 run and 5 wait when the breaker opens: the 5 hear of it at once, and the upstream never of them', async (t) => {
  const { upstream, begin, has } = await startAnswering(t);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      bulkhead: { concurrency: 10, queue: 5, queueTimeout: '14s' },
      breaker: { volume: 1, sleep: '60s' },
      retry: { attempts: 1 },
    }),
  );
  const caller = makeCaller(t, sidecar.egress);
  const running = Array.from({ length: 10 }, () => caller.call({ path: '/run' }));
  await has(10);
  const waiting = Array.from({ length: 5 }, () => caller.call({ path: '/wait' }));
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 5);

  const endFirst = begin('/run', 500);

  // Nothing has ended that could have freed a place, and the queue's time is far away.
  assert.deepEqual(reasonsOf(await Promise.all(waiting)), Array(5).fill('circuit_open'));
  assert.equal(await sidecar.metric('bulkhead_queued', { upstream: 'u' }), 0);
  assert.equal(await sidecar.metric('bulkhead_in_flight', { upstream: 'u' }), 10);
  assert.equal(await sidecar.metric('rejected_total', { reason: 'circuit_open' }), 5);
  assert.equal(upstream.begun, 10);
  endFirst();
  for (let count = 0; count < 9; count += 1) begin('/run', 200)();
  assert.deepEqual(tallyOf(await Promise.all(running)), { 200: 9, 500: 1 });
});

test('of two routes that share a bulkhead, only those of the tripped one are sent away', async (t) => {
  const { upstream, begin, has } = await startAnswering(t);
  const route = (name: string) => ({ name, match: { path: `/${name}` } });
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      bulkhead: { concurrency: 2, queue: 4, queueTimeout: '14s' },
      breaker: { volume: 1, sleep: '60s' },
      retry: { attempts: 1 },
      routes: [route('bad'), route('good')],
    }),
  );
  const caller = makeCaller(t, sidecar.egress);
  const first = [caller.call({ path: '/bad' }), caller.call({ path: '/good' })];
  await has(2);
  const bad = [caller.call({ path: '/bad' }), caller.call({ path: '/bad' })];
  const good = [caller.call({ path: '/good' }), caller.call({ path: '/good' })];
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 4);

  const endBad = begin('/bad', 500);

  assert.deepEqual(reasonsOf(await Promise.all(bad)), ['circuit_open', 'circuit_open']);
  assert.equal(await sidecar.metric('bulkhead_queued', { upstream: 'u' }), 2);
  endBad();
  for (let count = 0; count < 3; count += 1) {
    begin('/good', 200)();
    await has(Math.min(4, 3 + count));
  }
  assert.deepEqual(tallyOf(await Promise.all([...first, ...good])), { 200: 3, 500: 1 });
});

test('bodies of those who wait stay with the clients: 100 uploads of 1 MiB take little memory, and come whole', async (t) => {
  const held = new Held();
  const upstream = await startHttpUpstream(t, held.answer);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { bulkhead: { concurrency: 1, queue: 100, queueTimeout: '14s' } }),
  );
  const caller = makeCaller(t, sidecar.egress);
  const running = caller.call();
  await upstream.hasBegun(1);
  const body = Buffer.alloc(MIB, 'x');
  const before = process.memoryUsage().arrayBuffers;

  const uploads = Array.from({ length: 100 }, () => caller.call({ method: 'PUT', body }));
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 100);

  const takenMib = (process.memoryUsage().arrayBuffers - before) / MIB;
  assert.ok(takenMib < 35, `${takenMib} MiB for 100 MiB that wait`);
  held.release();
  assert.deepEqual(tallyOf(await Promise.all([running, ...uploads])), { 200: 101 });
  assert.ok(upstream.calls.slice(1).every(({ bodyBytes }) => bodyBytes === MIB));
});

const uploads: readonly (readonly [what: string, text: string])[] = [
  ['with its body sent', 'PUT /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\n\r\nabc'],
  [
    'with a chunked body sent',
    'PUT /x HTTP/1.1\r\nHost: u.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  ],
  ['with half of a small body sent', 'PUT /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 6\r\n\r\nabc'],
  [
    'that asks whether it may send 10 MiB',
    'PUT /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 10485760\r\nExpect: 100-continue\r\n\r\n',
  ],
];

for (const [what, text] of uploads) {
  for (const [how, leave] of [
    ['resets', (client: RawClient) => client.reset()],
    ['closes', (client: RawClient) => client.leave()],
  ] as const) {
    test(`an upload ${what} whose client ${how} while it waits leaves its place to the next`, async (t) => {
      const held = new Held();
      const upstream = await startHttpUpstream(t, held.answer);
      const sidecar = await startSidecar(
        t,
        upstreamU([upstream.address], { bulkhead: { concurrency: 1, queue: 1, queueTimeout: '14s' } }),
      );
      const caller = makeCaller(t, sidecar.egress);
      const running = caller.call();
      await upstream.hasBegun(1);
      const waiting = await connectRaw(t, sidecar.egress);
      waiting.send(text);
      await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 1);

      leave(waiting);

      await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 0);
      const next = caller.call({ path: '/next' });
      await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 1);
      held.release();
      assert.deepEqual(tallyOf(await Promise.all([running, next])), { 200: 2 });
      assert.deepEqual(
        upstream.calls.map(({ path }) => path),
        ['/', '/next'],
      );
    });
  }
}
