import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';

const longest = 2 ** 31 - 1;

test('a wait that is longer than a timer of the system can be is waited for in full', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let calls = 0;
  systemClock.after(longest + 1000, () => {
    calls += 1;
  });

  t.mock.timers.tick(longest);
  t.mock.timers.tick(999);
  assert.equal(calls, 0);
  t.mock.timers.tick(1);

  assert.equal(calls, 1);
});

test('a long wait can be cancelled at any time of it', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const timer = systemClock.after(longest + 1000, () => assert.fail('it was cancelled'));
  t.mock.timers.tick(longest);

  timer.cancel();

  t.mock.timers.tick(longest);
});

test('a timer of the system waits for no less than was asked for, fractions included', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let calls = 0;
  systemClock.after(1.2, () => {
    calls += 1;
  });

  t.mock.timers.tick(1);
  assert.equal(calls, 0);
  t.mock.timers.tick(1);

  assert.equal(calls, 1);
});
