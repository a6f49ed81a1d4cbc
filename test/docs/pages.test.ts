import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { metricsSource } from '../telemetry/command-fixture.ts';
import { blocksOf, deadLinksOf, missingFilesOf, readPage, readPages, root } from './pages.ts';

const pages = readPages();

test('every link between the pages leads somewhere', () => {
  const dead = pages.flatMap((page) => deadLinksOf(page).map((target) => `${page.path}: ${target}`));
  assert.deepEqual(dead, []);
});

test('every file that a page names exists', () => {
  const missing = pages.flatMap((page) => missingFilesOf(page).map((path) => `${page.path}: ${path}`));
  assert.deepEqual(missing, []);
});

test('every npm script that a page names is one', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const named = pages.flatMap((page) =>
    [...page.text.matchAll(/npm run ([a-z:-]+)/g)].map(([, script = '']) => script),
  );
  assert.ok(named.length > 0);
  assert.deepEqual(
    named.filter((script) => !(script in scripts)),
    [],
  );
});

test('every decision is in the list of decisions', () => {
  const list = readPage('docs/decisions/README.md').text;
  const unlisted = readdirSync(join(root, 'docs/decisions')).filter(
    (name) => name !== 'README.md' && !list.includes(`(${name})`),
  );
  assert.deepEqual(unlisted, []);
});

test('the configuration in the README is valid', () => {
  const examples = blocksOf(readPage('README.md'), 'yaml');
  assert.equal(examples.length, 1);
  const parsed = parseSettings(examples[0]!, 'README.md', {});
  assert.deepEqual(parsed.ok ? [] : parsed.problems, []);
});

test('the page on operations lists the metrics that there are, and no others', async () => {
  const { text } = await new Metrics(metricsSource()).page('');
  const existing = [...text.matchAll(/^# TYPE (outrigger_\w+) (\w+)$/gm)].map(
    ([, name, kind]) => `${name} ${kind}`,
  );

  const rows = readPage('docs/operations.md').text.matchAll(/^\| `(outrigger_\w+)` \| (\w+) \|/gm);

  assert.deepEqual(
    Array.from(rows, ([, name, kind]) => `${name} ${kind}`),
    existing,
  );
});

test('the page on operations lists every event of the log', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => readFileSync(join(root, 'src', path), 'utf8'));
  const events = new Set(
    sources.flatMap((source) => [...source.matchAll(/event: '([a-z]+\.[a-z]+)'/g)].map(([, name]) => name!)),
  );
  const { text } = readPage('docs/operations.md');

  assert.ok(events.size > 0);
  assert.deepEqual(
    [...events].filter((event) => !text.includes(`\`${event}\``)),
    [],
  );
});
