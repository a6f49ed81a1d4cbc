import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quartiles } from './statistics.ts';

test('quartiles fall on the values where there is one, whatever their order', () => {
  assert.deepEqual(quartiles([50, 10, 40, 20, 30]), { lower: 20, median: 30, upper: 40 });
});

test('quartiles between two values are interpolated', () => {
  assert.deepEqual(quartiles([1, 2, 3, 4]), { lower: 1.75, median: 2.5, upper: 3.25 });
});

test('numbers are ordered as numbers', () => {
  assert.equal(quartiles([9, 100, 20]).median, 20);
});

test('one wild round does not move the median', () => {
  assert.equal(quartiles([1, 1, 1, 1, 1000]).median, 1);
});

test('there are no quartiles of nothing', () => {
  assert.equal(Number.isNaN(quartiles([]).median), true);
});
