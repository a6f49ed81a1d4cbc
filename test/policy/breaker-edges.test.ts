import assert from 'node:assert/strict';
import { test } from 'node:test';
import { good, Rig } from './breaker-rig.ts';

/** The longest that a timer of Node can wait; one that is to wait longer goes off at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

test('the library that holds the state wakes up no sooner than a timer can wait, so that our date decides', (t) => {
  const setTimer = t.mock.method(globalThis, 'setTimeout');
  const rig = new Rig().trip();
  assert.deepEqual(
    setTimer.mock.calls.map((call) => call.arguments[1]),
    [LONGEST_TIMER_MS],
  );
  rig.breaker.retire(rig.now);
});

for (const [probes, why] of [
  [1, 'the probe succeeded'],
  [3, '3 probes succeeded'],
] as const) {
  test(`a breaker that closes says that ${why}`, () => {
    const rig = new Rig({ probes }).trip().sleepIsOver();
    for (let probe = 0; probe < probes; probe += 1) rig.run(good);
    assert.deepEqual(rig.changes.at(-1), { from: 'half_open', to: 'closed', why });
  });
}

test('what the configuration forces from the beginning is said to be forced by it', () => {
  const rig = new Rig({ force: 'open' });
  assert.equal(rig.status.forcedBy, 'configuration');
  assert.equal(rig.breaker.isOverridden, false);
});
