import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backoffMs } from '../../src/policy/backoff.ts';

const settings = { baseMs: 25, maxMs: 250 };
const highest = () => 1 - Number.EPSILON;

for (const [retryNumber, below] of [
  [1, 25],
  [2, 50],
  [3, 100],
  [4, 200],
  [5, 250],
  [60, 250],
  [5000, 250],
] as const) {
  test(`before retry ${retryNumber} it waits from 0 to less than ${below} ms`, () => {
    assert.equal(
      backoffMs(settings, retryNumber, () => 0),
      0,
    );
    assert.equal(
      backoffMs(settings, retryNumber, () => 0.5),
      below / 2,
    );
    const longest = backoffMs(settings, retryNumber, highest);
    assert.ok(longest < below && longest > below * 0.999);
  });
}

test('a base of zero never waits', () => {
  assert.equal(backoffMs({ baseMs: 0, maxMs: 250 }, 5, highest), 0);
});
