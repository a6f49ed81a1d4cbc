import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callSummary } from '../../src/cli/call-summary.ts';

const none = { calls: 0, failed: 0, refused: 0, fallback: 0, retries: 0, openMs: 0 };

test('one line a command, with names on the left and figures on the right of their columns', () => {
  assert.deepEqual(
    callSummary([
      { command: 'reviews', calls: 1204, failed: 3, refused: 17, fallback: 2, retries: 40, openMs: 12_340 },
      { ...none, command: 'localhost:9', calls: 1, failed: 1 },
    ]),
    [
      'outrigger:   calls  failed  refused  fallback  retries    open',
      'reviews       1204       3       17         2       40  12.3 s',
      'localhost:9      1       1        0         0        0       -',
    ],
  );
});

test('where nothing was called it is one line', () => {
  assert.deepEqual(callSummary([]), ['outrigger: no calls went through the proxy']);
});

test('a name that is too long does not move the columns', () => {
  const [head = '', row = ''] = callSummary([{ ...none, command: 'x'.repeat(200), calls: 7 }]);
  assert.equal(head.length, row.length);
  assert.ok(row.length < 110);
});
