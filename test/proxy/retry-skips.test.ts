import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../src/policy/outcome.ts';
import type { RetrySkip } from '../../src/telemetry/events.ts';
import { type FakeClient, nothing, Pipeline } from '../rig/pipeline.ts';
import type { ConfigText } from '../rig/sidecar.ts';

/** Each request earns the one token that its retry costs. */
const oneTokenEach = { percent: 100, minPerSecond: 0 };

const createPipeline = (retry: ConfigText = {}, more: ConfigText = {}): Pipeline =>
  new Pipeline({ retry: { budget: oneTokenEach, ...retry }, ...more });

/** What is told of the requests so far: attempts, what the metrics say was skipped, what the log lines say. */
const told = (pipeline: Pipeline) => ({
  attempts: pipeline.transport.attempts.length,
  skipped: Object.fromEntries(pipeline.book.totals.retriesSkipped()),
  logged: pipeline.log.map(({ retrySkipped }) => retrySkipped),
});

const once = (why: RetrySkip) => ({ attempts: 1, skipped: { [why]: 1 }, logged: [why] });

const tokens = (pipeline: Pipeline): number => pipeline.plan.budget.tokens(pipeline.clock.now());

/** An upload of which all has been sent. */
const upload = (pipeline: Pipeline, bytes: number): FakeClient => {
  const client = pipeline.request('PUT', [`Content-Length: ${bytes}`]);
  pipeline.transport.last.connect();
  client.send('x'.repeat(bytes));
  return client;
};

/** Failures that retry.on names, each with what forbids the attempt that would follow. */
const forbidden: Readonly<Record<string, readonly [RetrySkip, () => Pipeline]>> = {
  'a POST that was answered with 503': [
    'not_idempotent',
    () => {
      const pipeline = createPipeline();
      pipeline.request('POST');
      pipeline.transport.last.answer(503);
      return pipeline;
    },
  ],
  'a request that its sender repeats': [
    'already_retried',
    () => {
      const pipeline = createPipeline();
      pipeline.request('GET', ['x-outrigger-attempt: 2']);
      pipeline.transport.last.answer(503);
      return pipeline;
    },
  ],
  'a request that its sender repeats, and that was never sent on': [
    'already_retried',
    () => {
      const pipeline = createPipeline();
      pipeline.request('GET', ['x-outrigger-attempt: 2']);
      pipeline.transport.last.end(failure('connect_refused', true));
      return pipeline;
    },
  ],
  'early data that was answered with 425': [
    'early_data',
    () => {
      const pipeline = createPipeline({ on: [425] });
      pipeline.request('GET', ['Early-Data: 1']);
      pipeline.transport.last.answer(425);
      return pipeline;
    },
  ],
  'a body that is longer than what is recorded': [
    'body_too_large',
    () => {
      const pipeline = createPipeline({ bodyLimit: '1KiB' });
      upload(pipeline, 1025);
      pipeline.transport.last.answer(503);
      return pipeline;
    },
  ],
  'an upstream that wants to be left alone beyond the deadline': [
    'deadline',
    () => {
      const pipeline = createPipeline({}, { timeout: { total: '3s' } });
      pipeline.request();
      pipeline.transport.last.answer(503, ['Content-Length: 2', 'Retry-After: 3']);
      return pipeline;
    },
  ],
  'an empty budget': [
    'budget',
    () => {
      const pipeline = createPipeline({ budget: { percent: 0, minPerSecond: 0 } });
      pipeline.request();
      pipeline.transport.last.answer(503);
      return pipeline;
    },
  ],
};

for (const [name, [why, fail]] of Object.entries(forbidden)) {
  test(`${name} is not tried again, and metrics and log say ${why}`, () => {
    const pipeline = fail();

    assert.deepEqual(told(pipeline), once(why));
    assert.equal(tokens(pipeline), why === 'budget' ? 0 : 1, 'no token was taken');
    assert.deepEqual(pipeline.held, nothing);
  });
}

test('when all records together are full, metrics and log say replay_full', () => {
  const pipeline = createPipeline({ bodyLimit: '1KiB' });
  upload(pipeline, 600);
  upload(pipeline, 600);

  pipeline.transport.last.answer(503);

  assert.deepEqual(told(pipeline), { attempts: 2, skipped: { replay_full: 1 }, logged: ['replay_full'] });
});

/** What can come between the decision to try again and the attempt. */
const obstacles: Readonly<
  Record<string, readonly [RetrySkip, (pipeline: Pipeline, client: FakeClient) => Promise<void> | void]>
> = {
  'the breaker opens': [
    'circuit_open',
    (pipeline) => {
      pipeline.registry.force('u', 'open', 600_000);
      return pipeline.advance(50);
    },
  ],
  'the last endpoint vanishes': [
    'no_endpoint',
    (pipeline) => {
      pipeline.plan.upstream.setAddresses([], 'all are gone');
      return pipeline.advance(50);
    },
  ],
  'a time limit passes': [
    'deadline',
    (pipeline) => {
      pipeline.clock.advance(30);
    },
  ],
  'its client leaves': ['client_gone', (_pipeline, client) => client.leave()],
  'its client breaks its body off': ['client_gone', (_pipeline, client) => client.break()],
};

for (const [name, [why, strike]] of Object.entries(obstacles)) {
  for (const [hand, fail] of [
    ['an answer in hand', (pipeline: Pipeline) => pipeline.transport.last.answer(503)],
    ['none', (pipeline: Pipeline) => pipeline.transport.last.end(failure('reset', false))],
  ] as const) {
    test(`a retry before which ${name}, with ${hand}, is skipped as ${why} and gives its token back`, async () => {
      const backoff = { base: '50ms', max: '50ms' };
      const pipeline = createPipeline({ backoff }, why === 'deadline' ? { timeout: { idle: '60ms' } } : {});
      pipeline.random = 0.9;
      const client = pipeline.request('PUT', ['Content-Length: 6']);
      pipeline.transport.last.connect();
      client.send('abc');
      pipeline.clock.advance(30);
      fail(pipeline);
      assert.equal(tokens(pipeline), 0, 'the token of the decided retry');

      await strike(pipeline, client);

      assert.equal(tokens(pipeline), 1);
      await pipeline.advance(10);
      if (pipeline.transport.last.state === 'started') {
        pipeline.transport.last.data('no');
        pipeline.transport.last.end();
      }
      await pipeline.advance(60_000);
      assert.deepEqual(told(pipeline), once(why));
      assert.equal(tokens(pipeline), 1, 'it goes back once');
      assert.deepEqual(pipeline.held, nothing);
    });
  }
}

test('a body that outgrows its record while the answer to it is held is not sent again, not even in part', async () => {
  const pipeline = createPipeline({ bodyLimit: '4B' });
  const client = pipeline.request('PUT', ['Content-Length: 6']);
  pipeline.transport.last.connect();
  client.send('abc');
  pipeline.transport.last.answer(503);
  client.send('def');

  await pipeline.advance(250);
  pipeline.transport.last.data('no');
  pipeline.transport.last.end();

  assert.match(client.sent, /^HTTP\/1\.1 503 Said\r\n[\s\S]*no$/);
  assert.deepEqual(told(pipeline), once('body_too_large'));
  assert.equal(tokens(pipeline), 1, 'the token goes back');
  assert.deepEqual(pipeline.held, nothing);
});

test('attempts that are used up are no skipped retry', async () => {
  const pipeline = createPipeline({ attempts: 2 });
  pipeline.request();
  pipeline.transport.last.answer(503);
  await pipeline.advance(250);
  pipeline.transport.last.answer(503);

  assert.deepEqual(told(pipeline), { attempts: 2, skipped: {}, logged: [null] });
  assert.equal(tokens(pipeline), 0);
});

test('a failure that retry.on does not name is no skipped retry', () => {
  const pipeline = createPipeline({ on: ['reset'] });
  pipeline.request('POST');
  pipeline.transport.last.answer(503);

  assert.deepEqual(told(pipeline), { attempts: 1, skipped: {}, logged: [null] });
});

test('an answer in hand that is passed on after all is not followed by another attempt while it streams', async () => {
  const pipeline = createPipeline({}, { timeout: { idle: '800ms' } });
  const client = pipeline.request('PUT', ['Content-Length: 6']);
  pipeline.transport.last.connect();
  pipeline.transport.last.answer(503, ['Content-Length: 2', 'Retry-After: 1']);
  await pipeline.advance(800);
  pipeline.transport.last.data('n');

  await pipeline.advance(600);

  assert.equal(pipeline.transport.attempts.length, 1);
  pipeline.transport.last.data('o');
  pipeline.transport.last.end();
  assert.match(client.sent, /^HTTP\/1\.1 503 Said\r\n[\s\S]*no$/);
});
