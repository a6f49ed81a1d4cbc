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
