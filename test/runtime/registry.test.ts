import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pipeline } from '../rig/pipeline.ts';

const statusOf = ({ book, clock }: Pipeline) => book.figures(clock.now()).status;
const forceOf = (pipeline: Pipeline): string => statusOf(pipeline).force;

test('an override ends with its time, and the breaker is what it was', () => {
  const pipeline = new Pipeline();
  assert.equal(pipeline.registry.force('u', 'open', 60_000), true);
  assert.equal(statusOf(pipeline).forceEndsInMs, 60_000);

  pipeline.clock.advance(59_999);
  assert.equal(forceOf(pipeline), 'open');
  pipeline.clock.advance(1);

  assert.equal(forceOf(pipeline), 'none');
  assert.equal(statusOf(pipeline).forceEndsInMs, -1);
});

test('those who are refused meanwhile are told when it ends, those who wait at once', () => {
  const pipeline = new Pipeline({ bulkhead: { concurrency: 1, queue: 5, queueTimeout: '14s' } });
  pipeline.request();
  const waiting = pipeline.request();

  pipeline.registry.force('u', 'open', 60_000);
  pipeline.clock.advance(10_000);
  const late = pipeline.request();

  assert.match(waiting.sent, /"retryAfterMs":60000/);
  assert.match(late.sent, /"retryAfterMs":50000/);
});

test('lifting an override stops its clock', () => {
  const pipeline = new Pipeline();
  pipeline.registry.force('u', 'open', 60_000);
  pipeline.registry.force('u', 'none', 60_000);

  assert.equal(pipeline.clock.pendingTimers, 0);
  assert.equal(statusOf(pipeline).forceEndsInMs, -1);
});

test('dropping a command stops the clock of its override', () => {
  const pipeline = new Pipeline();
  pipeline.registry.force('u', 'open', 60_000);
  pipeline.registry.drop('u');
  pipeline.clock.advance(60_000);

  assert.equal(pipeline.overrides.length, 1);
});

test('an override that ends gives way to what the configuration forces', () => {
  const pipeline = new Pipeline({ breaker: { force: 'closed' } });
  pipeline.registry.force('u', 'open', 60_000);

  pipeline.clock.advance(60_000);

  assert.equal(forceOf(pipeline), 'closed');
});

test('a second override replaces the first one and its time', () => {
  const pipeline = new Pipeline();
  pipeline.registry.force('u', 'open', 1000);
  pipeline.registry.force('u', 'closed', Number.POSITIVE_INFINITY);

  pipeline.clock.advance(3_600_000);

  assert.equal(forceOf(pipeline), 'closed');
  assert.equal(pipeline.clock.pendingTimers, 0);
});

test('the log is told of every override, of one that changes nothing for callers too, and of its end', () => {
  const pipeline = new Pipeline();
  pipeline.registry.force('u', 'closed', 60_000);
  pipeline.clock.advance(60_000);

  assert.deepEqual(
    pipeline.overrides.map(({ command, force, cause, ttlMs }) => [command, force, cause, ttlMs]),
    [
      ['u', 'closed', 'by hand', 60_000],
      ['u', 'none', 'its time is over', 0],
    ],
  );
});

test('a breaker that does not exist cannot be forced', () => {
  assert.equal(new Pipeline().registry.force('nobody', 'open', 1000), false);
});

test('an open circuit is needed while it sleeps, a forced one as long as it is forced', () => {
  const pipeline = new Pipeline({
    breaker: { volume: 1, errorPercent: 1, sleep: '5s' },
    retry: { attempts: 1 },
  });
  const { registry, clock } = pipeline;
  pipeline.request();
  pipeline.transport.last.answer(500);

  assert.equal(registry.isAtRest('u'), false);
  assert.equal(registry.isNeeded('u', clock.now()), true);
  clock.advance(5000);
  assert.equal(registry.isNeeded('u', clock.now()), false);
  registry.force('u', 'closed', 1000);
  assert.equal(registry.isNeeded('u', clock.now()), true);
  assert.equal(registry.isAtRest('u'), false);
});
