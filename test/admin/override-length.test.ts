import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isDuration } from '../../src/admin/dashboard/override-length.js';
import { parseDuration } from '../../src/config/units.ts';

test('the form takes as the length of an override what the sidecar takes, and nothing else', () => {
  const near = fc
    .array(fc.constantFrom('1', '0', '30', '99999', '100000', 'h', 'm', 's', 'ms', 'd', ' ', '-', '.'), {
      maxLength: 8,
    })
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(near, (text) => {
      assert.equal(isDuration(text), (parseDuration(text) ?? 0) > 0, text);
    }),
    { numRuns: 3000, examples: [['10m'], ['1h30m'], ['0s'], ['nonsense'], ['']] },
  );
});
