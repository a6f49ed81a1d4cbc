import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { deadLinksOf, missingFilesOf, readPage } from '../docs/pages.ts';
import { manifestFolder } from './kubernetes-tools.ts';

const names = readdirSync(manifestFolder, { recursive: true, encoding: 'utf8' });
// Those of the chart become YAML when Helm has rendered them.
const manifests = names.filter((name) => name.endsWith('.yaml') && !name.includes('/templates/'));
const pages = names
  .filter((name) => name.endsWith('.md'))
  .map((name) => readPage(join('deploy/kubernetes', name)));

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

test('every link of the pages beside the manifests leads somewhere, and every file that they name exists', () => {
  assert.ok(pages.length >= 3);
  const dead = pages.flatMap((page) => deadLinksOf(page).map((target) => `${page.path}: ${target}`));
  assert.deepEqual(dead, []);
  const missing = pages.flatMap((page) => missingFilesOf(page).map((path) => `${page.path}: ${path}`));
  assert.deepEqual(missing, []);
});
