import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';
import project from '../../package.json' with { type: 'json' };

const chartOf = (path: string) =>
  parse(readFileSync(new URL(`../../${path}/Chart.yaml`, import.meta.url), 'utf8')) as {
    readonly version: string;
    readonly appVersion: string;
    readonly dependencies: readonly { readonly version: string }[];
  };

test('the chart has the version of the program, and so has the image that it runs', () => {
  const { version, appVersion } = chartOf('deploy/kubernetes/chart/outrigger');
  assert.equal(version, project.version);
  assert.equal(appVersion, project.version);
});

test('the chart of an application depends on this version', () => {
  const [dependency] = chartOf('test/deploy/app-chart').dependencies;
  assert.equal(dependency?.version, project.version);
});

test('the pages beside chart and example speak of this version', () => {
  const pageOf = (path: string) => readFileSync(new URL(`../../${path}/README.md`, import.meta.url), 'utf8');
  assert.ok(pageOf('deploy/kubernetes/chart/outrigger').includes(`version: ${project.version}\n`));
  const images = pageOf('deploy/kubernetes/example').matchAll(/outrigger:(\d+\.\d+\.\d+)/g);
  const versions = new Set(Array.from(images, ([, version]) => version));
  assert.deepEqual([...versions], [project.version]);
});
