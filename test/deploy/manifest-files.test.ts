import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { manifestFolder } from './kubernetes-tools.ts';

const names = readdirSync(manifestFolder, { recursive: true, encoding: 'utf8' });
// Those of the chart become YAML when Helm has rendered them.
const manifests = names.filter((name) => name.endsWith('.yaml') && !name.includes('/templates/'));

const textOf = (name: string): string => readFileSync(join(manifestFolder, name), 'utf8');

test('every manifest is YAML, without a key that is written twice', () => {
  assert.ok(manifests.length > 10);
  const errors = manifests.flatMap((name) =>
    parseAllDocuments(textOf(name), { uniqueKeys: true }).flatMap((document) =>
      [...document.errors, ...document.warnings].map(({ message }) => `${name}: ${message}`),
    ),
  );
  assert.deepEqual(errors, []);
});

test('no manifest runs an image without a version', () => {
  const images = manifests.flatMap((name) => [...textOf(name).matchAll(/^\s*(?:- )?image: (.+)$/gm)]);
  const tags = images.map(([, image = '']) => image.split(':')[1] ?? '');
  assert.ok(tags.length > 3);
  assert.deepEqual(
    tags.filter((tag) => !/^\d/.test(tag)),
    [],
  );
});
