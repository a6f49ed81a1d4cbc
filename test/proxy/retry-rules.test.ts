import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../src/policy/outcome.ts';
import type { FakeAttempt } from '../rig/fake-transport.ts';
import { Pipeline } from '../rig/pipeline.ts';
import { seededRandom } from '../rig/seeded-random.ts';

const quick = { backoff: { base: '20ms', max: '20ms' } };

/** What can become of a first attempt. */
const evidence = {
  'nothing was sent': (attempt: FakeAttempt) => attempt.end(failure('connect_refused', true)),
  'it was sent and the connection reset': (attempt: FakeAttempt) => {
    attempt.connect();
    attempt.end(failure('reset', false));
  },
  'it was answered with 503': (attempt: FakeAttempt) => {
    attempt.connect();
    attempt.answer(503);
  },
  'it was answered with 425': (attempt: FakeAttempt) => {
    attempt.connect();
    attempt.answer(425);
  },
} as const;

/** Attempts when the first one fails: nothing sent | reset | 503 | 425, which is in `retry.on`. */
const methods: readonly [string, readonly string[], readonly [number, number, number, number]][] = [
  ['GET', [], [2, 2, 2, 2]],
  ['HEAD', [], [2, 2, 2, 2]],
  ['OPTIONS', [], [2, 2, 2, 2]],
  ['DELETE', [], [2, 2, 2, 2]],
  ['PUT', ['Content-Length: 3'], [2, 2, 2, 2]],
  ['POST', ['Content-Length: 3', 'Idempotency-Key: k'], [2, 2, 2, 2]],
  ['PATCH', ['Content-Length: 3', 'Idempotency-Key: k'], [2, 2, 2, 2]],
  ['POST', [], [2, 1, 1, 2]],
  ['POST', ['Content-Length: 3'], [2, 1, 1, 2]],
  ['PATCH', ['Content-Length: 3'], [2, 1, 1, 2]],
  ['LOCK', [], [2, 1, 1, 2]],
];

for (const [method, fields, counts] of methods) {
  for (const [index, [name, fail]] of Object.entries(evidence).entries()) {
    const expected = counts[index]!;
    const request = fields.length === 0 ? method : `${method} with ${fields.join(', ')}`;
    test(`${request}, when ${name}: ${expected === 2 ? 'tried again' : 'not tried again'}`, async () => {
      const pipeline = new Pipeline({ retry: { ...quick, on: ['connect-failure', 'reset', 503, 425] } });
      const client = pipeline.request(method, fields);
      if (fields.length > 0) client.send('abc');
      fail(pipeline.transport.last);
      await pipeline.advance(20);

      assert.equal(pipeline.transport.attempts.length, expected);
      if (expected === 1) return;
      pipeline.transport.last.connect();
      if (fields.length > 0) assert.deepEqual(pipeline.transport.last.received, ['abc', '(end)']);
      pipeline.transport.last.answer(200);
      assert.equal(client.status, 200);
    });
  }
}

/** The clock of the wall, as HTTP writes it, so many ms from now. */
const httpDate = (pipeline: Pipeline, ms: number): string =>
  new Date(pipeline.clock.wallTime() + ms).toUTCString();

for (const [form, value] of [
  ['in seconds', () => '2'],
  ['as a date', (pipeline: Pipeline) => httpDate(pipeline, 2000)],
] as const) {
  for (const status of [503, 429]) {
    test(`a Retry-After ${form} of a ${status} is waited for at least`, async () => {
      const pipeline = new Pipeline({ retry: { ...quick, on: [503, 429] } });
      pipeline.random = 0.5;
      const client = pipeline.request();
      pipeline.transport.last.answer(status, ['Content-Length: 2', `Retry-After: ${value(pipeline)}`]);

      await pipeline.advance(2009);
      assert.equal(pipeline.transport.attempts.length, 1);
      await pipeline.advance(1);

      assert.equal(pipeline.transport.attempts.length, 2, 'the jitter comes on top');
      pipeline.transport.last.answer(200);
      assert.equal(client.status, 200);
    });
  }

  test(`a Retry-After ${form} that ends after the deadline is passed on at once with its answer`, () => {
    const pipeline = new Pipeline({ retry: quick, timeout: { total: '2s' } });
    const client = pipeline.request();
    pipeline.transport.last.answer(503, ['Content-Length: 2', `Retry-After: ${value(pipeline)}`]);

    assert.equal(client.status, 503);
    assert.match(client.sent, new RegExp(`\r\nRetry-After: ${value(pipeline)}\r\n`));
    assert.equal(pipeline.log[0]!.retrySkipped, 'deadline');
  });
}

test('a Retry-After that says nothing leaves the backoff as it is', async () => {
  const pipeline = new Pipeline({ retry: quick });
  pipeline.request();
  pipeline.transport.last.answer(503, ['Content-Length: 2', 'Retry-After: soon']);

  await pipeline.advance(10);

  assert.equal(pipeline.transport.attempts.length, 2);
});

for (const [failing, fail] of [
  ['answers 503', (attempt: FakeAttempt) => attempt.answer(503)],
  ['refuses the connection', (attempt: FakeAttempt) => attempt.end(failure('connect_refused', true))],
  ['resets the connection', (attempt: FakeAttempt) => attempt.end(failure('reset', false))],
] as const) {
  test(`of three endpoints, one that ${failing} is never the one of the next attempt`, async () => {
    const endpoints = ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3'];
    const pipeline = new Pipeline({
      endpoints,
      breaker: { force: 'closed' },
      retry: { ...quick, budget: { percent: 100, minPerSecond: 1000 } },
    });
    const random = seededRandom(7);
    const seconds = new Map<string, Set<string>>();
    for (let count = 0; count < 100; count += 1) {
      pipeline.random = random();
      const client = pipeline.request();
      const first = pipeline.transport.last;
      pipeline.random = random();
      fail(first);
      await pipeline.advance(20);
      const second = pipeline.transport.last;
      second.answer(200);
      assert.equal(client.status, 200);
      assert.notEqual(second.endpoint, first.endpoint);
      seconds.set(
        first.endpoint.label,
        (seconds.get(first.endpoint.label) ?? new Set()).add(second.endpoint.label),
      );
      await pipeline.advance(60_000);
    }
    assert.deepEqual([...seconds.keys()].sort(), endpoints, 'each of them failed');
    for (const others of seconds.values()) assert.equal(others.size, 2, 'and either of the others took over');
  });
}
