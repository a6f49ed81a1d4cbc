import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { PodSpec } from 'kubernetes-types/core/v1.js';
import { parse, parseAllDocuments } from 'yaml';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { probePort, sidecarNames } from '../../src/inject/sidecar-container.ts';
import { deployment, injected, web } from '../inject/injected.ts';
import { ownBreaches, restrictedBreaches, sidecarBreaches } from './pod-security.ts';

const textOf = (name: string): string =>
  readFileSync(new URL(`../../deploy/kubernetes/${name}`, import.meta.url), 'utf8');

/** The two objects of a manifest, as data. */
const objectsOf = (name: string) => {
  const [configMap, workload] = parseAllDocuments(textOf(name)).map((document) => document.toJS());
  return { configMap, workload, pod: workload.spec.template.spec as PodSpec };
};

const names = ['app.yaml', 'native.yaml', 'classic.yaml'];

for (const name of names) {
  test(`${name} has objects as the schemas of Kubernetes want them`, () => {
    const { configMap, workload } = objectsOf(name);
    new ConfigMap(configMap).validate();
    new Deployment(workload).validate();
  });

  test(`${name} passes the restricted standard and our own rules`, () => {
    const { pod } = objectsOf(name);
    assert.deepEqual(restrictedBreaches(pod), []);
    for (const container of [...(pod.initContainers ?? []), ...pod.containers])
      assert.deepEqual(
        container.name === 'outrigger' ? sidecarBreaches(container) : ownBreaches(container),
        [],
      );
  });
}

const folder = mkdtempSync(join(tmpdir(), 'outrigger-manifests-'));
after(() => rmSync(folder, { recursive: true }));

const root = new URL('../..', import.meta.url).pathname;

/** What the compiler says of a manifest as a literal of its type. It knows which fields there are; schemas do not. */
const compile = (objects: readonly unknown[]): string => {
  const lines = objects.map(
    (object, at) =>
      `export const m${at}: import('kubernetes-types/apps/v1.js').Deployment = ${JSON.stringify(object)};`,
  );
  writeFileSync(join(folder, 'typed.ts'), `${lines.join('\n')}\n`);
  const compilerOptions = {
    noEmit: true,
    strict: true,
    module: 'nodenext',
    target: 'es2024',
    types: [],
    skipLibCheck: true,
    paths: { 'kubernetes-types/*': [join(root, 'node_modules/kubernetes-types/*')] },
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['typed.ts'] }));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  return spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' }).stdout;
};

test('every field of the manifests, and of what inject adds, is one that Kubernetes has', () => {
  const added = [
    deployment(web),
    deployment(web, 'outrigger/token-secret: a'),
    deployment(`${web}initContainers: []\n`),
  ];
  const objects = [
    ...names.map((name) => objectsOf(name).workload),
    ...added.map((text) => parse(injected(text))),
  ];
  // The least of a Deployment has no selector, which the type asks for.
  for (const object of objects) object.spec.selector ??= {};
  assert.equal(compile(objects), '');
  const [misspelt] = structuredClone(objects);
  misspelt.spec.template.spec.contianers = [];
  assert.match(compile([misspelt]), /contianers/);
});

test('the configuration of the example is valid, with probes where the kubelet asks', () => {
  const parsed = parseSettings(objectsOf('native.yaml').configMap.data[sidecarNames.file], 'app.yaml', {});
  assert.deepEqual(parsed.ok ? [] : parsed.problems, []);
  assert.ok(parsed.ok);
  assert.equal(parsed.settings.admin.probes?.port, probePort);
});

test('Prometheus is sent to the port of the probes, by annotation and by the name of the port', () => {
  const { workload } = objectsOf('native.yaml');
  assert.equal(workload.spec.template.metadata.annotations['prometheus.io/port'], String(probePort));
  const [endpoint] = parse(textOf('pod-monitor.yaml')).spec.podMetricsEndpoints;
  assert.equal(endpoint.port, sidecarNames.port);
  assert.ok(endpoint.port.length <= 15);
});
