import assert from 'node:assert/strict';
import { test } from 'node:test';
import { regressions } from './guard.ts';

test('a ratio that has grown by more than 15 % is told of, with both figures', () => {
  assert.deepEqual(regressions({ keepalive: 1.6, short: 2.29 }, { keepalive: 1.4, short: 2 }), []);
  assert.deepEqual(regressions({ keepalive: 1.62, short: 2 }, { keepalive: 1.4, short: 2 }), [
    'keepalive: 1.62 of the baseline, 1.40 on record: 16 % more',
  ]);
});

test('a case that was not measured says nothing', () => {
  assert.deepEqual(regressions({}, { keepalive: 1.4 }), []);
});
