import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure, rejected } from '../../src/policy/outcome.ts';
import type { RollingFigures } from '../../src/telemetry/command-figures.ts';
import { nothing, Pipeline } from '../rig/pipeline.ts';
import type { ConfigText } from '../rig/sidecar.ts';

/** Hystrix's defaults, and no retry: a request is one execution of a command. */
const hystrix = { retry: { attempts: 1 } };
const answered = {
  on: ['circuit_open', 'timeout', 'upstream_status', 'reset'],
  status: 203,
  body: 'instead',
};

const start = (upstream: ConfigText = {}): Pipeline => new Pipeline({ ...hystrix, ...upstream });

const figuresOf = (pipeline: Pipeline, command = 'u') =>
  pipeline.commands.find(command)!.figures(pipeline.clock.now());

/** What the command counted, without the zeros. */
const eventsOf = (pipeline: Pipeline): Partial<RollingFigures> =>
  Object.fromEntries(Object.entries(figuresOf(pipeline).rolling).filter(([, count]) => count > 0));

const votesOf = (pipeline: Pipeline) => {
  const { total, errors } = figuresOf(pipeline).status;
  return { total, errors };
};

const run = (pipeline: Pipeline, status: number, path = '/x') => {
  const client = pipeline.request('GET', [], path);
  pipeline.transport.last.answer(status);
  return client;
};

const fail = (pipeline: Pipeline, times: number, path = '/x'): void => {
  for (let count = 0; count < times; count += 1) run(pipeline, 500, path);
};

test('a success is one event, with both latencies and without a fallback', () => {
  const pipeline = start({ fallback: answered });
  const client = pipeline.request();
  pipeline.clock.advance(40);
  pipeline.transport.last.answer(200);

  assert.equal(client.status, 200);
  assert.deepEqual(eventsOf(pipeline), { success: 1 });
  const { latencyExecute, latencyTotal } = figuresOf(pipeline);
  assert.deepEqual([latencyExecute.count, latencyTotal.count], [1, 1]);
});

test('a failure with a fallback: the caller gets the fallback, and both are counted', () => {
  const pipeline = start({ fallback: answered });
  const client = run(pipeline, 500);

  assert.match(client.sent, /^HTTP\/1\.1 203 [\s\S]*instead$/);
  assert.deepEqual(eventsOf(pipeline), { failure: 1, fallbackSuccess: 1 });
});

test('a failure without a fallback misses one', () => {
  const pipeline = start();
  run(pipeline, 500);
  assert.deepEqual(eventsOf(pipeline), { failure: 1, fallbackMissing: 1 });
});

test('a fallback, whether served or missing, changes neither total nor errors', () => {
  const withFallback = start({ fallback: answered });
  const without = start();
  for (const pipeline of [withFallback, without]) {
    run(pipeline, 200);
    fail(pipeline, 3);
    assert.deepEqual(votesOf(pipeline), { total: 4, errors: 3 });
  }
});

test('failures trip the circuit, and what is short-circuited then adds nothing to total and errors', () => {
  const pipeline = start();
  fail(pipeline, 20);
  for (let count = 0; count < 30; count += 1) pipeline.request();

  assert.deepEqual(votesOf(pipeline), { total: 20, errors: 20 });
  assert.deepEqual(eventsOf(pipeline), { failure: 20, fallbackMissing: 50, shortCircuited: 30 });
  assert.equal(pipeline.transport.attempts.length, 20);
});

test('of two fallbacks at the same time with a place for one the second is rejected, and its caller sees the failure', () => {
  const pipeline = start({ fallback: { ...answered, concurrency: 1 } });
  const first = pipeline.request();
  const second = pipeline.request();
  first.isReading = false;
  pipeline.transport.at(0).end(failure('reset', false));
  pipeline.transport.at(1).end(failure('reset', false));

  assert.deepEqual([first.status, second.status, second.reason], [203, 502, 'reset']);
  assert.deepEqual(eventsOf(pipeline), { failure: 2, fallbackSuccess: 1, fallbackRejected: 1 });
  assert.deepEqual(votesOf(pipeline), { total: 2, errors: 2 });
});

test('short-circuited and refused requests enter neither latency', () => {
  const pipeline = start({ bulkhead: { concurrency: 1, queue: 0 }, breaker: { volume: 1 } });
  const running = pipeline.request();
  assert.equal(pipeline.request().reason, 'bulkhead_full');
  pipeline.clock.advance(10);
  pipeline.transport.last.answer(500);
  assert.equal(running.status, 500);
  assert.equal(pipeline.request().reason, 'circuit_open');

  const { latencyExecute, latencyTotal } = figuresOf(pipeline);
  assert.deepEqual([latencyExecute.count, latencyTotal.count], [1, 1]);
});

test('a short-circuited request takes no slot and does not wait', () => {
  const pipeline = start({ bulkhead: { concurrency: 1, queue: 5 }, breaker: { volume: 1 } });
  run(pipeline, 500);
  const refused = pipeline.request();
  assert.equal(refused.reason, 'circuit_open');
  assert.equal(pipeline.bulkhead.admittedTotal, 1);
  assert.deepEqual(pipeline.held, nothing);
});

test('only where rejections count does a full bulkhead vote, and a wait that was too long', () => {
  const bulkhead = { concurrency: 1, queue: 1, queueTimeout: '100ms' };
  const plain = start({ bulkhead });
  const counting = start({ bulkhead, breaker: { countRejections: true } });
  for (const pipeline of [plain, counting]) {
    for (let count = 0; count < 3; count += 1) pipeline.request();
    pipeline.clock.advance(100);
    assert.deepEqual(eventsOf(pipeline), { bulkheadRejected: 2, fallbackMissing: 2 });
  }
  assert.deepEqual(votesOf(plain), { total: 0, errors: 0 });
  assert.deepEqual(votesOf(counting), { total: 2, errors: 2 });
});

test('of a bulkhead of one with one place to wait the third at the same time is refused', () => {
  const pipeline = start({ bulkhead: { concurrency: 1, queue: 1 } });
  const clients = [pipeline.request(), pipeline.request(), pipeline.request()];
  assert.equal(pipeline.transport.attempts.length, 1);
  assert.deepEqual(
    clients.map(({ reason }) => reason),
    ['', '', 'bulkhead_full'],
  );
  pipeline.transport.last.answer(200);
  pipeline.transport.last.answer(200);
  assert.deepEqual(eventsOf(pipeline), { success: 2, bulkheadRejected: 1, fallbackMissing: 1 });
});

test('a timeout is exactly one outcome, though the upstream would have answered later', () => {
  const pipeline = start({ timeout: { attempt: '1s' }, fallback: answered });
  const client = pipeline.request();
  pipeline.clock.advance(1000);

  assert.equal(pipeline.transport.last.state, 'ended', 'the attempt is cut: nothing late can come of it');
  assert.equal(client.status, 203);
  assert.deepEqual(eventsOf(pipeline), { timeout: 1, fallbackSuccess: 1 });
  assert.deepEqual(votesOf(pipeline), { total: 1, errors: 1 });
  assert.equal(pipeline.log.length, 1);
  assert.deepEqual(pipeline.held, nothing);
});

test('a slow call without a limit of its own succeeds', () => {
  const pipeline = start({ timeout: { total: '1h', idle: '1h' } });
  const client = pipeline.request();
  pipeline.clock.advance(3_000_000);
  pipeline.transport.last.answer(200);
  assert.equal(client.status, 200);
  assert.deepEqual(eventsOf(pipeline), { success: 1 });
});

test('an ignored status reaches the caller unchanged, without fallback and without effect on the share', () => {
  const pipeline = start({ failure: { ignore: [404, 500] }, fallback: answered });
  const client = run(pipeline, 404);
  assert.match(client.sent, /^HTTP\/1\.1 404 Said\r\n[\s\S]*ok$/);
  assert.deepEqual(eventsOf(pipeline), { badRequest: 1 });
  assert.deepEqual(votesOf(pipeline), { total: 0, errors: 0 });
  const { latencyExecute, latencyTotal } = figuresOf(pipeline);
  assert.deepEqual([latencyExecute.count, latencyTotal.count], [1, 1]);
});

test('4xx and 501 are successes, and our own refusals no attempts', () => {
  const pipeline = start({ breaker: { volume: 1, errorPercent: 1 } });
  for (const status of [400, 401, 403, 404, 409, 429, 499, 501]) run(pipeline, status);
  pipeline.request();
  pipeline.transport.last.end(rejected('pool_exhausted'));
  assert.deepEqual(votesOf(pipeline), { total: 8, errors: 0 });
});

test('a caller that leaves during the run is in neither total nor errors', () => {
  const pipeline = start({ breaker: { volume: 1, errorPercent: 1 }, fallback: answered });
  const client = pipeline.request();
  client.leave();
  assert.deepEqual(eventsOf(pipeline), { cancelled: 1 });
  assert.deepEqual(votesOf(pipeline), { total: 0, errors: 0 });
  assert.deepEqual(pipeline.held, nothing);
});

test('a caller that leaves after it has its fallback changes nothing any more', () => {
  const pipeline = start({ fallback: answered });
  const client = pipeline.request();
  client.isReading = false;
  pipeline.transport.last.end(failure('reset', false));
  client.leave();
  assert.deepEqual(eventsOf(pipeline), { failure: 1, fallbackSuccess: 1 });
  assert.deepEqual(votesOf(pipeline), { total: 1, errors: 1 });
});

test('after the sleep exactly one of two simultaneous calls is the probe, and it still shows as open', () => {
  const pipeline = start({ breaker: { volume: 1 } });
  fail(pipeline, 1);
  pipeline.clock.advance(5001);
  const probe = pipeline.request();
  const other = pipeline.request();
  assert.equal(probe.status, 0);
  assert.equal(other.reason, 'circuit_open');
  assert.match(other.sent, /\r\nRetry-After: 5\r\n/);
  const { state, isOpen } = figuresOf(pipeline).status;
  assert.deepEqual([state, isOpen], ['half_open', true]);
});

test('a probe whose caller leaves does not leave it stuck: the next success closes', () => {
  const pipeline = start({ breaker: { volume: 1 } });
  fail(pipeline, 1);
  pipeline.clock.advance(5001);
  pipeline.request().leave();
  run(pipeline, 200);
  assert.equal(figuresOf(pipeline).status.state, 'closed');
});

test('a probe that hangs is ended by its timeout, which opens it again', () => {
  const pipeline = start({ breaker: { volume: 1 }, timeout: { attempt: '2s' } });
  fail(pipeline, 1);
  pipeline.clock.advance(5001);
  pipeline.request();
  pipeline.clock.advance(2000);
  const { state, why } = figuresOf(pipeline).status;
  assert.deepEqual([state, why], ['open', 'the probe failed: attempt_timeout; next probe in 5 s']);
});

test('a probe whose client trickles its upload does not keep everybody out: after a sleep another one goes', () => {
  // No time runs against it: the attempt's and the total begin with the request's last byte.
  const pipeline = start({ breaker: { volume: 1 } });
  fail(pipeline, 1);
  pipeline.clock.advance(5001);
  const trickling = pipeline.request('PUT', ['Content-Length: 1000000']);
  pipeline.transport.last.connect();
  for (let second = 0; second < 5; second += 1) {
    trickling.send('.');
    pipeline.clock.advance(1000);
  }
  assert.equal(pipeline.request().reason, 'circuit_open');
  pipeline.clock.advance(1);

  run(pipeline, 200);

  assert.equal(figuresOf(pipeline).status.state, 'closed');
  assert.equal(trickling.status, 0, 'the lost one goes on undisturbed');
});

test('on close the health window starts empty, while counts and latencies go on', () => {
  const pipeline = start();
  fail(pipeline, 20);
  pipeline.clock.advance(5001);
  run(pipeline, 200);
  assert.deepEqual(votesOf(pipeline), { total: 0, errors: 0 });
  assert.deepEqual(eventsOf(pipeline), { success: 1, failure: 20, fallbackMissing: 20 });
  assert.equal(figuresOf(pipeline).latencyExecute.count, 21);
});

test('totals survive the rolling of the window and the close of the circuit', () => {
  const pipeline = start({ breaker: { volume: 3 } });
  fail(pipeline, 3);
  pipeline.clock.advance(60_000);
  run(pipeline, 200);
  pipeline.clock.advance(60_000);
  assert.deepEqual(eventsOf(pipeline), {});
  assert.deepEqual(
    [...pipeline.book.totals.attempts()],
    [
      ['success', '', 1],
      ['failure', 'upstream_status', 3],
    ],
  );
});

test('forced open nothing reaches the upstream: short-circuited, answered by the fallback, reported open', () => {
  const pipeline = start({ breaker: { force: 'open' }, fallback: answered });
  const client = pipeline.request();
  assert.equal(client.status, 203);
  assert.equal(pipeline.transport.attempts.length, 0);
  assert.deepEqual(eventsOf(pipeline), { shortCircuited: 1, fallbackSuccess: 1 });
  assert.equal(figuresOf(pipeline).status.isOpen, true);
});

test('a refusal while forced open by hand says when to come back', () => {
  const pipeline = start();
  pipeline.registry.force('u', 'open', 600_000);
  pipeline.clock.advance(60_000);
  const client = pipeline.request();
  assert.match(client.sent, /\r\nRetry-After: 540\r\n[\s\S]*"detail":"forced open by hand"/);
});

test('forced closed with nothing but failures everything passes, counted and reported closed', () => {
  const pipeline = start({ breaker: { force: 'closed' } });
  fail(pipeline, 30);
  assert.equal(pipeline.transport.attempts.length, 30);
  assert.deepEqual(eventsOf(pipeline), { failure: 30, fallbackMissing: 30 });
  const { isOpen, errorPercent } = figuresOf(pipeline).status;
  assert.deepEqual([isOpen, errorPercent], [false, 100]);
});

test('paths of one command share a breaker, and commands do not affect each other', () => {
  const pipeline = start({
    breaker: { volume: 2 },
    routes: [
      { name: 'ratings', match: { path: '/ratings/*' } },
      { name: 'stars', match: { path: '/stars/*' } },
    ],
  });
  fail(pipeline, 1, '/ratings/1');
  fail(pipeline, 1, '/ratings/2');

  assert.equal(pipeline.request('GET', [], '/ratings/3').reason, 'circuit_open');
  assert.equal(run(pipeline, 200, '/stars/1').status, 200);
  assert.equal(run(pipeline, 200, '/else').status, 200);
  const states = ['u.ratings', 'u.stars', 'u'].map((command) => figuresOf(pipeline, command).status.state);
  assert.deepEqual(states, ['open', 'closed', 'closed']);
});

test('concurrency counts in the bucket in which the call started, and not for those who are refused', () => {
  const pipeline = start({ bulkhead: { concurrency: 2, queue: 0 } });
  pipeline.clock.advance(9000);
  pipeline.request();
  pipeline.request();
  assert.equal(pipeline.request().reason, 'bulkhead_full');
  pipeline.clock.advance(2000);
  assert.equal(figuresOf(pipeline).maxInFlight, 2);
  for (const attempt of pipeline.transport.attempts) attempt.answer(200);
  assert.equal(figuresOf(pipeline).inFlight, 0);

  // Ten seconds after their start they have left, though they ended later.
  pipeline.clock.advance(8000);
  assert.equal(figuresOf(pipeline).maxInFlight, 0);
  assert.equal(figuresOf(pipeline).rolling.success, 2);
});
