import assert from 'node:assert/strict';
import { test } from 'node:test';
import { breakerView } from '../../src/admin/json-views.ts';
import { Pipeline } from '../rig/pipeline.ts';

const viewOf = (pipeline: Pipeline) => breakerView(pipeline.book.figures(pipeline.clock.now()));

test('a breaker’s page has the limits beside the counts', () => {
  const pipeline = new Pipeline({
    retry: { attempts: 1 },
    timeout: { total: '5s' },
    breaker: { slowerThan: '1s', slowPercent: 90, consecutive: 7 },
  });
  pipeline.request();
  pipeline.clock.advance(2000);
  pipeline.transport.last.answer(500);

  const { health, limits, why } = viewOf(pipeline);

  assert.deepEqual(health, {
    windowMs: 10_000,
    total: 1,
    errors: 1,
    slow: 1,
    errorPercent: 100,
    slowPercent: 100,
    failuresInARow: 1,
  });
  assert.deepEqual(limits, {
    volume: 20,
    errorPercent: 50,
    slowerThanMs: 1000,
    slowPercent: 90,
    consecutive: 7,
    countRejections: false,
    sleepMs: 5000,
  });
  assert.equal(
    why,
    '1 of 1 failed in 10 s; opens at 50 % of at least 20; 1 of 1 took longer than 1 s, opens at 90 %; 1 failure in a row, opens at 7',
  );
});

test('a rule that is off has no limit', () => {
  const { slowerThanMs, consecutive } = viewOf(new Pipeline()).limits;
  assert.deepEqual([slowerThanMs, consecutive], [null, null]);
});

test('it tells how long it has been in its state, how its probes are and when the next one goes', () => {
  const pipeline = new Pipeline({ retry: { attempts: 1 }, breaker: { volume: 1, probes: 2 } });
  pipeline.request();
  pipeline.transport.last.answer(500);
  pipeline.clock.advance(2000);
  const open = viewOf(pipeline);
  assert.deepEqual([open.state, open.inStateMs, open.nextProbeInMs], ['open', 2000, 3000]);

  pipeline.clock.advance(3001);
  pipeline.request();
  pipeline.request();
  pipeline.clock.advance(500);

  const { state, inStateMs, nextProbeInMs, probes } = viewOf(pipeline);
  assert.deepEqual([state, inStateMs, nextProbeInMs], ['half_open', 500, 4500]);
  assert.deepEqual(probes, { needed: 2, succeeded: 0, inFlight: 2, lost: 0 });
});

test('closed and unforced it has no next probe and no time at which a force ends', () => {
  const { forcedBy, forceExpiresInMs, nextProbeInMs } = viewOf(new Pipeline());
  assert.deepEqual([forcedBy, forceExpiresInMs, nextProbeInMs], [null, null, null]);
});

for (const [what, ttlMs, expected] of [
  ['for a time', 60_000, 60_000],
  ['without an end', Number.POSITIVE_INFINITY, null],
] as const) {
  test(`forced by hand ${what} it says who forces it and how long still`, () => {
    const pipeline = new Pipeline();
    pipeline.registry.force('u', 'open', ttlMs);
    const { force, forcedBy, forceExpiresInMs, open } = viewOf(pipeline);
    assert.deepEqual([force, forcedBy, forceExpiresInMs, open], ['open', 'hand', expected, true]);
  });
}

test('what the configuration forces has no end', () => {
  const { forcedBy, forceExpiresInMs } = viewOf(new Pipeline({ breaker: { force: 'closed' } }));
  assert.deepEqual([forcedBy, forceExpiresInMs], ['configuration', null]);
});
