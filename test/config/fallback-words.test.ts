import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fallbackWords } from '../../src/config/fallback-words.ts';
import { Fallback } from '../../src/policy/fallback.ts';
import { type Reason, reasons } from '../../src/policy/reason.ts';

test('a fallback can be for every failure of an attempt', () => {
  const failures = Object.entries(reasons).filter(([, row]) => row.kind === 'failure');
  for (const [reason] of failures) assert.ok(fallbackWords.includes(reason), reason);
});

test('every word that the configuration accepts makes the fallback answer for something', () => {
  for (const word of fallbackWords) {
    const fallback = new Fallback({
      on: [word],
      status: 200,
      headers: {},
      body: new Uint8Array(),
      concurrency: 1000,
    });
    const served = (Object.keys(reasons) as Reason[]).filter((reason) => fallback.peek(reason) !== 'none');
    assert.ok(served.length > 0, word);
  }
});
