import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatDuration,
  formatSize,
  parseDuration,
  parsePercent,
  parseSize,
  parseStatusRange,
} from '../../src/config/units.ts';

test('a duration is a sum of whole numbers with units', () => {
  for (const [text, ms] of [
    ['250ms', 250],
    ['1m30s', 90_000],
    ['1h1m1s1ms', 3_661_001],
    ['0s', 0],
    ['99999h', 359_996_400_000],
  ] as const) {
    assert.equal(parseDuration(text), ms, text);
  }
});

test('a duration without a unit, with a fraction, a sign, a space or a larger unit is refused', () => {
  for (const text of ['', '10', '1.5s', '-1s', '1 s', '1d', '1m 30s', '100000ms', '1s1s1s1s1s', 'ms', '١s']) {
    assert.equal(parseDuration(text), null, text);
  }
});

test('every duration survives being written and read', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 99_999 * 3_600_000 }), (ms) => {
      assert.equal(parseDuration(formatDuration(ms)), ms);
    }),
  );
});

test('a size is bytes or has a binary or decimal unit', () => {
  for (const [text, bytes] of [
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
    ['10KB', 10_000],
    ['7B', 7],
  ] as const) {
    assert.equal(parseSize(text), bytes, text);
  }
  for (const text of ['64K', '64kib', '-1KiB', '1.5MiB', 'KiB', '64'])
    assert.equal(parseSize(text), null, text);
});

test('every size survives being written and read', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (bytes) => {
      const written = formatSize(bytes);
      assert.equal(typeof written === 'number' ? written : parseSize(written), bytes);
    }),
  );
});

test('a status range has both its ends and does not run backwards', () => {
  assert.deepEqual(parseStatusRange('500-599'), { from: 500, to: 599 });
  assert.deepEqual(parseStatusRange('404'), { from: 404, to: 404 });
  for (const text of ['599-500', '600', '99', '5xx', '500-', '500 - 599'])
    assert.equal(parseStatusRange(text), null, text);
});

test('a percentage has its sign', () => {
  assert.equal(parsePercent('0.5%'), 0.5);
  for (const text of ['5', '-5%', '%', '5 %']) assert.equal(parsePercent(text), null, text);
});
