import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { createLog } from '../../src/telemetry/log.ts';
import { outrigger } from '../cli/outrigger-process.ts';
import { settingsOf } from '../config/configuration-text.ts';
import { EventValidator } from '../rig/event-schema.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';
import { exchangeEnded } from '../telemetry/command-fixture.ts';
import { blocksOf, readPage, readPages } from './pages.ts';

/** Examples of the pages other than the commands of the README, each put to what it is an example of. */

const operations = readPage('docs/operations.md');

/** Keys at the top of a configuration of ours; other examples are of other programs. */
const ours = new Set(['admin', 'egress', 'defaults', 'upstreams', 'limits', 'log', 'drain']);

const configurations = readPages().flatMap((page) =>
  blocksOf(page, 'yaml')
    .filter((text) => Object.keys(parse(text) ?? {}).some((key) => ours.has(key)))
    .map((text) => ({ path: page.path, text })),
);

test('there are configurations on the pages', () => {
  const paths = new Set(configurations.map(({ path }) => path));
  assert.ok(paths.has('README.md') && paths.has('docs/operations.md'));
});

for (const { path, text } of configurations) {
  const first = text.split('\n').find((line) => line.startsWith('  ') && line.trim() !== '');
  test(`a configuration in ${path} is one (${first?.trim()})`, () => {
    settingsOf(text);
  });
}

/** What the page shows below this command, up to the next one. */
const shownBelow = (command: string): string => {
  const block = blocksOf(operations, 'console').find((text) => text.includes(`$ ${command}\n`)) ?? '';
  return block.split(`$ ${command}\n`)[1]?.split(/^\$ /m)[0] ?? '';
};

test('check complains of a bad file in the words of the page', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'bad.yaml');
  writeFileSync(
    file,
    `upstreams:
  reviews:
    breaker: { volumme: 20, errorPercent: 120 }
    timeout: { total: 5 }
`,
  );

  const { stdout, stderr } = await outrigger(['check', file]);

  const shown = shownBelow('outrigger check bad.yaml');
  assert.ok(shown.includes('bad.yaml:3:16'));
  assert.equal((stdout + stderr).replaceAll(file, 'bad.yaml'), shown);
});

test('health says of an address where nobody listens what the page says', async () => {
  const { code, stderr } = await outrigger(['health', '127.0.0.1:9']);

  assert.equal(`${stderr}${code}\n`, shownBelow('outrigger health 127.0.0.1:9; echo $?'));
});

test('every event on the page on the stream that is shown whole is as the schema says', () => {
  const validator = new EventValidator();
  const events = blocksOf(readPage('docs/events.md'), 'console')
    .flatMap((block) => [...block.matchAll(/^event: (\w+)\n(?:id: .*\n)?data: (.*)$/gm)])
    .map(([, name = '', data = '']) => ({ name, data }))
    .filter(({ data }) => !data.includes('…'));

  assert.ok(events.length > 0);
  for (const event of events) assert.deepEqual(validator.faultsOf(event), [], event.data);
});

test('the lines of the access log on the page have the fields that a line has, in their order', () => {
  const lines: string[] = [];
  const { listener } = createLog({
    settings: { level: 'info', format: 'json', access: 'all', sampleRatio: 1 },
    sink: { write: (line) => lines.push(line) },
    clock: new VirtualClock(),
    random: () => 0,
  });
  listener.exchangeEnded?.(exchangeEnded());
  const shown = blocksOf(operations, 'json')
    .flatMap((block) => block.trimEnd().split('\n'))
    .map((line) => JSON.parse(line))
    .filter(({ event }) => event === 'exchange.ended');

  assert.equal(shown.length, 2);
  for (const line of shown) assert.deepEqual(Object.keys(line), Object.keys(JSON.parse(lines[0]!)));
});
