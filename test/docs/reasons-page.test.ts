import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { reasonsPage } from '../../src/proxy/reasons-page.ts';

test('the committed page of reasons is what the table says today', () => {
  const page = readFileSync(new URL('../../docs/reasons.md', import.meta.url), 'utf8');
  assert.equal(page, reasonsPage(), 'run: node src/proxy/write-reasons.ts');
});
