import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jsonString, rawControls } from '../../src/lib/json-text.ts';

const everyUnit = Array.from({ length: 0x1_0000 }, (_, unit) => String.fromCharCode(unit));

test('every text comes back from its JSON string as it was', () => {
  for (const unit of everyUnit) {
    for (const text of [unit, `a${unit}`, `${unit}b`])
      assert.equal(JSON.parse(jsonString(text, rawControls)), text);
  }
});

test('no control is left in a JSON string as it is', () => {
  for (const unit of everyUnit) {
    assert.doesNotMatch(jsonString(unit, rawControls), /[\0-\x1f\x7f-\x9f\u2028\u2029]/);
  }
});

test('what a caller wants escaped is escaped, and nothing else that is printable', () => {
  assert.equal(jsonString('café "x"', /[\x80-\uffff]/g), '"caf\\u00e9 \\"x\\""');
  assert.equal(jsonString('café', rawControls), '"café"');
});
