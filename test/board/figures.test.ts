import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  count,
  countdown,
  duration,
  percent,
  plural,
  remaining,
  shortDuration,
} from '../../src/board/figures.js';

for (const [format, value, text] of [
  [count, 0, '0'],
  [count, 0.04, '0'],
  [count, 0.35, '0.4'],
  [count, 12.4, '12'],
  [count, 999, '999'],
  [count, 1234, '1.2k'],
  [count, 34_400, '34k'],
  [count, 999_500, '1M'],
  [count, 5_600_000, '5.6M'],
  [percent, 0, '0'],
  [percent, 0.01, '<0.1'],
  [percent, 12.3, '12'],
  [percent, 99.9, '>99'],
  [percent, 100, '100'],
  [duration, 0.42, '0.4 ms'],
  [duration, 999.4, '999 ms'],
  [duration, 999.5, '1 s'],
  [duration, 1240, '1.2 s'],
  [duration, 125_000, '2 min 5 s'],
  [duration, 300_000, '5 min'],
  [duration, 11_040_000, '3 h 4 min'],
  [duration, 3_600_000, '1 h'],
  [shortDuration, 1240, '1.2 s'],
  [shortDuration, 125_000, '2.1 min'],
  [shortDuration, 3_590_000, '1 h'],
  [shortDuration, 11_040_000, '3.1 h'],
  [countdown, 0, 'now'],
  [countdown, -5, 'now'],
  [countdown, 1, '1 s'],
  [countdown, 4001, '5 s'],
  [remaining, 4001, 'for 5 s'],
  [remaining, 0, 'about to end'],
  [remaining, -1, 'about to end'],
] as const) {
  test(`${format.name} of ${value} is written ${text}`, () => {
    assert.equal(format(value), text);
  });
}

test('one of something stands in the singular, and only one', () => {
  assert.deepEqual(
    [0, 1, 2].map((number) => plural(number, 'attempt')),
    ['0 attempts', '1 attempt', '2 attempts'],
  );
});

test('no figure is long, and none says NaN', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e12, noNaN: true }), (value) => {
      assert.ok(count(value).length <= 8, count(value));
      assert.ok(shortDuration(value).length <= 8, shortDuration(value));
      assert.doesNotMatch(
        `${count(value)} ${duration(value)} ${shortDuration(value)} ${countdown(value)}`,
        /NaN|undefined|e\+/,
      );
    }),
  );
});

test('only all is 100 percent, and only none is 0', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 100, minExcluded: true, maxExcluded: true, noNaN: true }),
      (value) => {
        assert.ok(percent(value) !== '0' && percent(value) !== '100');
      },
    ),
  );
});
