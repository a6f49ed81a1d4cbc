import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPage } from './pages.ts';

/** That the files are there, pages.test.ts checks for every page. */

const { text } = readPage('SECURITY.md');
const [, threats = ''] = /^## Threats.*\n([\s\S]*?)^## /m.exec(text) ?? [];
const rows = threats.split('\n').filter((line) => /^\| (?!threat \|)[^-]/.test(line));

test('for every threat the page names a control in the code and a test that holds it', () => {
  assert.ok(rows.length > 30, `${rows.length}`);
  for (const row of rows) {
    const [, , control = '', tests = ''] = row.split('|');
    assert.match(control, /\]\((?:src|bin)\/[\w./-]+\)/, row);
    assert.match(tests, /\]\(test\/[\w./-]+\.test\.ts\)/, row);
  }
});
