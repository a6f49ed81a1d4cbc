import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { renderedManifests } from '../../deploy/kubernetes/rendered-manifests.ts';

const committed = (name: string): string =>
  readFileSync(new URL(`../../deploy/kubernetes/${name}`, import.meta.url), 'utf8');

for (const [name, text] of renderedManifests()) {
  test(`${name} is what deploy/kubernetes/write-manifests.ts makes`, () => {
    assert.equal(committed(name), text);
  });
}
