import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fallbackWords } from '../../src/config/fallback-words.ts';
import { fallbackConditions } from '../../src/policy/fallback.ts';
import { reasons } from '../../src/policy/reason.ts';

test('a fallback can be for every failure of an attempt', () => {
  const failures = Object.entries(reasons).filter(([, row]) => row.kind === 'failure');
  for (const [reason] of failures) assert.ok(fallbackWords.includes(reason), reason);
});

test('the fallback understands every word that the configuration accepts', () => {
  for (const word of fallbackWords) assert.ok(fallbackConditions.includes(word), word);
});
