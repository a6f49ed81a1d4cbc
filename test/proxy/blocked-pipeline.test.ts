import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../src/policy/outcome.ts';
import { nothing, Pipeline } from '../rig/pipeline.ts';
import type { ConfigText } from '../rig/sidecar.ts';

const blockMs = 3000;

/** Each limit that can pass while an attempt is under way, alone. */
const limits: readonly (readonly [reason: string, timeout: ConfigText])[] = [
  ['attempt_timeout', { attempt: '1s' }],
  ['total_timeout', { total: '1s' }],
  ['body_timeout', { body: '1s' }],
];

for (const [reason, timeout] of limits) {
  test(`an answer that came while the loop was blocked is no ${reason}`, () => {
    const pipeline = new Pipeline({ timeout, retry: { attempts: 1 } });
    const client = pipeline.request();

    pipeline.clock.block(blockMs);
    pipeline.transport.last.answer(200);

    assert.equal(client.status, 200);
    assert.equal(pipeline.log[0]!.outcome.kind, 'success');
    assert.equal(pipeline.book.figures(pipeline.clock.now()).status.errors, 0);
    assert.deepEqual(pipeline.held, nothing);
  });

  test(`an upstream that is silent is a ${reason} soon after the loop was blocked`, () => {
    const pipeline = new Pipeline({ timeout, retry: { attempts: 1 } });
    const client = pipeline.request();

    pipeline.clock.block(blockMs);
    assert.equal(client.status, 0);
    pipeline.clock.advance(100);

    assert.deepEqual([client.status, client.reason], [504, reason]);
    assert.deepEqual(pipeline.held, nothing);
  });
}

test('all limits at once pass no later for being several', () => {
  const pipeline = new Pipeline({
    timeout: { attempt: '500ms', total: '1s', body: '2s' },
    retry: { attempts: 1 },
  });
  const client = pipeline.request();

  pipeline.clock.block(blockMs);
  pipeline.clock.advance(100);

  assert.deepEqual([client.status, client.reason], [504, 'attempt_timeout']);
});

test('a stream goes on when its next piece came while the loop was blocked', () => {
  const pipeline = new Pipeline({ timeout: { idle: '1s' } });
  const client = pipeline.request();
  pipeline.transport.last.head(200);

  pipeline.clock.block(blockMs);
  pipeline.transport.last.data('o');
  pipeline.clock.advance(999);
  pipeline.transport.last.data('k');
  pipeline.transport.last.end();

  assert.match(client.sent, /ok$/);
  assert.equal(pipeline.log[0]!.outcome.kind, 'success');
});

test('an upload goes on when its next part came while the loop was blocked', () => {
  const pipeline = new Pipeline({ timeout: { idle: '1s' } });
  const client = pipeline.request('PUT', ['Content-Length: 6']);
  pipeline.transport.last.connect();
  client.send('abc');

  pipeline.clock.block(blockMs);
  client.send('def');
  pipeline.transport.last.answer(200);

  assert.equal(client.status, 200);
});

test('whoever waits for a slot gets the one that became free while the loop was blocked', () => {
  const pipeline = new Pipeline({ bulkhead: { concurrency: 1, queue: 1, queueTimeout: '1s' } });
  pipeline.request();
  const waiting = pipeline.request();

  pipeline.clock.block(blockMs);
  pipeline.transport.last.answer(200);
  pipeline.transport.last.answer(200);

  assert.equal(waiting.status, 200);
  assert.equal(pipeline.bulkhead.rejectedTotal, 0);
});

test('a hundred requests whose answers came during a block trip no breaker', () => {
  const pipeline = new Pipeline({
    timeout: { attempt: '1s' },
    breaker: { volume: 20, errorPercent: 50 },
    bulkhead: { concurrency: 100 },
  });
  const clients = Array.from({ length: 100 }, () => pipeline.request());

  pipeline.clock.block(2000);
  for (const attempt of pipeline.transport.attempts) attempt.answer(200);

  assert.ok(clients.every(({ status }) => status === 200));
  assert.equal(pipeline.plan.breaker.peek(pipeline.clock.now()), null);
});

test('a retry whose wait ends with a block that outlasted the total is not sent', async () => {
  const pipeline = new Pipeline({
    timeout: { total: '1s' },
    retry: { attempts: 3, backoff: { base: '50ms', max: '50ms' } },
  });
  pipeline.random = 0.9;
  const client = pipeline.request();
  pipeline.transport.last.end(failure('reset', false));

  pipeline.clock.block(blockMs);
  await pipeline.advance(0);

  assert.equal(pipeline.transport.attempts.length, 1);
  assert.deepEqual([client.status, client.reason], [502, 'reset']);
  assert.equal(pipeline.log[0]!.retrySkipped, 'deadline');
  assert.deepEqual(pipeline.held, nothing);
});
