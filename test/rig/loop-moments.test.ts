import assert from 'node:assert/strict';
import { createHistogram } from 'node:perf_hooks';
import { test } from 'node:test';
import { longestOfMoments } from './loop-moments.ts';

const recorded = (intervals: readonly number[]) => {
  const histogram = createHistogram();
  for (const interval of intervals) histogram.record(interval);
  return histogram;
};

test('a wait that is one interval in a thousand counts by how long it is', () => {
  const thousand = Array.from({ length: 999 }, () => 1);

  assert.equal(longestOfMoments(recorded([...thousand, 5]), 99), 1);
  assert.equal(longestOfMoments(recorded([...thousand, 100]), 99), 100);
  assert.equal(longestOfMoments(recorded([...thousand, 100]), 80), 1);
});

test('without intervals there is no wait', () => {
  assert.equal(longestOfMoments(createHistogram(), 99), 0);
});
