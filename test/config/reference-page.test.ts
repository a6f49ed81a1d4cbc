import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { referencePage } from '../../src/config/reference-page.ts';

test('the committed page is what the tables say today', () => {
  const page = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8');
  assert.equal(page, referencePage(), 'run: node src/config/write-reference.ts');
});
