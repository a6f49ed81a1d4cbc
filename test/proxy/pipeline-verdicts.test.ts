import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, rejected } from '../../src/policy/outcome.ts';
import { nothing, Pipeline } from '../rig/pipeline.ts';

const quickRetry = { backoff: { base: '20ms', max: '20ms' } };

const retriesOf = (pipeline: Pipeline): Record<string, number> =>
  Object.fromEntries(pipeline.book.totals.retries());

test('an attempt that fails before start returns is an attempt like any other', async () => {
  const pipeline = new Pipeline({ retry: quickRetry });
  pipeline.transport.onStart = (attempt) => attempt.end(failure('connect_refused', true));

  const client = pipeline.request();
  await pipeline.advance(100);
  await pipeline.advance(100);

  assert.equal(client.status, 502);
  assert.equal(client.reason, 'connect_refused');
  assert.equal(pipeline.log[0]!.attempts, 3);
  assert.equal(pipeline.book.figures(pipeline.clock.now()).status.errors, 3);
  assert.deepEqual(retriesOf(pipeline), { connect_refused: 2 });
  assert.deepEqual(pipeline.held, nothing);
});

test('an answer that fails by its status and then breaks off is one failure, not two', () => {
  const pipeline = new Pipeline();
  const client = pipeline.request();
  pipeline.transport.last.head(500);
  pipeline.transport.last.end(failure('response_incomplete', false));

  const { total, errors } = pipeline.book.figures(pipeline.clock.now()).status;
  assert.deepEqual({ total, errors }, { total: 1, errors: 1 });
  assert.equal(client.state, 'destroyed');
});

test('a body that breaks off after a good head turns the vote, and the exchange is a failure', () => {
  const pipeline = new Pipeline();
  pipeline.request();
  pipeline.transport.last.head(200);
  pipeline.transport.last.end(failure('response_incomplete', false));

  const { total, errors } = pipeline.book.figures(pipeline.clock.now()).status;
  assert.deepEqual({ total, errors }, { total: 1, errors: 1 });
  assert.equal(pipeline.log[0]!.reason, 'response_incomplete');
  assert.equal(pipeline.log[0]!.status, 200);
});

test('an answer that comes before its request is whole is not slow, however long the client takes', () => {
  const pipeline = new Pipeline({ breaker: { slowerThan: '1s' } });
  const client = pipeline.request('PUT', ['Content-Length: 6']);
  pipeline.transport.last.connect();
  pipeline.clock.advance(5000);
  client.send('abc');
  pipeline.transport.last.answer(200);

  const { total, slow } = pipeline.book.figures(pipeline.clock.now()).status;
  assert.deepEqual({ total, slow }, { total: 1, slow: 0 });
});

test('a retry that does not take place is not counted as one', async () => {
  const pipeline = new Pipeline({ retry: quickRetry });
  const client = pipeline.request();
  pipeline.transport.last.end(failure('reset', false));

  pipeline.registry.force('u', 'open', 1000);
  await pipeline.advance(20);

  assert.equal(client.reason, 'reset', 'the last real failure is reported');
  assert.deepEqual(retriesOf(pipeline), {});
  assert.deepEqual([...pipeline.book.totals.retriesSkipped()], [['circuit_open', 1]]);
});

test('the answer in hand is passed on when the circuit opens before the next attempt', async () => {
  const pipeline = new Pipeline({ retry: quickRetry });
  const client = pipeline.request();
  pipeline.transport.last.answer(503);

  pipeline.registry.force('u', 'open', 1000);
  await pipeline.advance(20);
  pipeline.transport.last.data('ok');
  pipeline.transport.last.end();

  assert.match(client.sent, /^HTTP\/1\.1 503 Said\r\n[\s\S]*ok$/);
  assert.equal(pipeline.log[0]!.attempts, 1);
  assert.deepEqual(pipeline.held, nothing);
});

test('a fallback stands in for a failing answer in hand as for any other', async () => {
  const pipeline = new Pipeline({
    retry: quickRetry,
    fallback: { on: ['upstream_status'], body: 'instead' },
  });
  const client = pipeline.request();
  pipeline.transport.last.answer(503);

  pipeline.registry.force('u', 'open', 1000);
  await pipeline.advance(20);

  assert.match(client.sent, /^HTTP\/1\.1 200 OK\r\n[\s\S]*instead$/);
  assert.equal(pipeline.transport.last.state, 'discarded');
  assert.equal(pipeline.log[0]!.fallback, 'served');
  assert.deepEqual(pipeline.held, nothing);
});

test('a 429 that is retried is no failure, and passed on as it is when the attempts are used up', async () => {
  const pipeline = new Pipeline({ retry: { ...quickRetry, attempts: 2, on: [429] } });
  const client = pipeline.request();
  pipeline.transport.last.answer(429);
  await pipeline.advance(20);
  pipeline.transport.last.answer(429);

  assert.equal(client.status, 429);
  assert.equal(pipeline.log[0]!.outcome.kind, 'success');
  assert.equal(pipeline.log[0]!.attempts, 2);
  assert.equal(pipeline.book.figures(pipeline.clock.now()).status.errors, 0);
});

test('a full pool is a refusal: no vote, no retry, and the time for it is the attempt’s', () => {
  const pipeline = new Pipeline();
  const client = pipeline.request();

  pipeline.transport.last.end(rejected('pool_exhausted'));

  assert.equal(client.status, 503);
  assert.equal(client.reason, 'pool_exhausted');
  assert.equal(pipeline.book.figures(pipeline.clock.now()).status.total, 0);
  assert.deepEqual(pipeline.held, nothing);
});

test('a client that leaves between two attempts is no failure, and nothing more is sent', async () => {
  const pipeline = new Pipeline({ retry: quickRetry });
  const client = pipeline.request();
  pipeline.transport.last.end(failure('reset', false));

  client.leave();
  await pipeline.advance(1000);

  assert.equal(pipeline.transport.attempts.length, 1);
  assert.equal(pipeline.log[0]!.outcome.kind, 'cancelled');
  assert.equal(pipeline.log[0]!.status, 499);
});

test('what drains while an answer is in hand does not let it out', () => {
  const pipeline = new Pipeline({ retry: quickRetry });
  const client = pipeline.request();
  pipeline.transport.last.answer(503);

  client.read();

  assert.equal(pipeline.transport.last.isPaused, true);
  assert.equal(client.sent, '');
});

test('when the first attempt never reached the upstream, the client that asked is told to send by us', async () => {
  const pipeline = new Pipeline({ retry: quickRetry });
  const client = pipeline.request('PUT', ['Content-Length: 3', 'Expect: 100-continue']);
  assert.match(pipeline.transport.last.request.headText, /\r\nExpect: 100-continue\r\n/);
  pipeline.transport.last.end(failure('connect_refused', true));
  await pipeline.advance(20);
  pipeline.transport.last.connect();

  assert.doesNotMatch(pipeline.transport.last.request.headText, /Expect/);
  assert.equal(client.sent, 'HTTP/1.1 100 Continue\r\n\r\n');
  client.send('abc');
  assert.deepEqual(pipeline.transport.last.received, ['abc', '(end)']);
});

test('a client is told once to continue, however many attempts say so', async () => {
  const pipeline = new Pipeline({ retry: quickRetry });
  const client = pipeline.request('PUT', ['Content-Length: 3', 'Expect: 100-continue']);
  pipeline.transport.last.connect();
  pipeline.transport.last.inform('100 Continue');
  pipeline.transport.last.end(failure('reset', false));
  await pipeline.advance(20);
  pipeline.transport.last.connect();
  pipeline.transport.last.inform('100 Continue');
  client.send('abc');
  pipeline.transport.last.answer(200);

  assert.equal(client.sent.match(/100 Continue/g)!.length, 1);
  assert.equal(client.status, 200);
});

test('an open circuit says when to come back', () => {
  const pipeline = new Pipeline({
    breaker: { volume: 1, errorPercent: 1, sleep: '3s' },
    retry: { attempts: 1 },
  });
  pipeline.request();
  pipeline.transport.last.answer(500);
  pipeline.clock.advance(500);

  const client = pipeline.request();

  assert.equal(client.reason, 'circuit_open');
  assert.match(client.sent, /\r\nRetry-After: 3\r\n/);
  assert.match(client.sent, /"retryAfterMs":2500/);
});

test('with countRejections a full bulkhead may trip the breaker while it refuses, and each request ends once', () => {
  const pipeline = new Pipeline({
    bulkhead: { concurrency: 1, queue: 1 },
    breaker: { countRejections: true, volume: 1, errorPercent: 1 },
  });
  pipeline.request();
  const waiting = pipeline.request();

  const refused = pipeline.request();

  assert.equal(refused.reason, 'bulkhead_full');
  assert.equal(waiting.reason, 'circuit_open');
  pipeline.transport.last.answer(200);
  assert.equal(pipeline.log.length, 3);
  assert.deepEqual(pipeline.held, nothing);
});

test('a slot that is released admits the next, which may fail at once and admit the one after', () => {
  const pipeline = new Pipeline({
    bulkhead: { concurrency: 1, queue: 50 },
    breaker: { volume: 1000 },
    retry: { attempts: 1 },
  });
  pipeline.request();
  const waiting = Array.from({ length: 50 }, () => pipeline.request());
  pipeline.transport.onStart = (attempt) => attempt.end(failure('connect_refused', true));

  pipeline.transport.last.answer(200);

  assert.ok(waiting.every((client) => client.reason === 'connect_refused'));
  assert.equal(pipeline.log.length, 51);
  assert.equal(pipeline.bulkhead.maxInFlightEver, 1);
  assert.deepEqual(pipeline.held, nothing);
});
