import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import type { PodSpec } from 'kubernetes-types/core/v1.js';
import { parse, parseAllDocuments } from 'yaml';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { probePort, sidecarNames } from '../../src/inject/sidecar-container.ts';
import { deployment, injected, web } from '../inject/injected.ts';
import { typeBreaches } from './manifest-types.ts';
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

test('every field of the manifests, and of what inject adds, is one that Kubernetes has', (t) => {
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
  assert.deepEqual(typeBreaches(t, objects), []);
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
