import assert from 'node:assert/strict';
import { test } from 'node:test';
import { didYouMean, nearest } from '../../src/config/nearest.ts';

test('a slip of the finger finds the word that was meant', () => {
  const known = ['timeout', 'bulkhead', 'breaker', 'retry'];
  for (const [word, meant] of [
    ['timeuot', 'timeout'],
    ['bulkhed', 'bulkhead'],
    ['Breaker', 'breaker'],
    ['rety', 'retry'],
  ] as const) {
    assert.equal(nearest(word, known), meant);
  }
});

test('a word that resembles none finds none, and the hint lists them all', () => {
  assert.equal(nearest('cache', ['timeout', 'retry']), null);
  assert.equal(didYouMean('cache', ['timeout', 'retry']), 'known: timeout, retry');
  assert.equal(nearest('x'.repeat(100_000), ['timeout']), null);
});
