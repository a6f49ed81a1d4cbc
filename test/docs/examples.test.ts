import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { outrigger } from '../cli/outrigger-process.ts';
import { settingsOf } from '../config/configuration-text.ts';
import { EventValidator } from '../rig/event-schema.ts';
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
