import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sidecarContainer } from '../../src/inject/sidecar-container.ts';
import type { Manifest } from './kubernetes-tools.ts';
import { manifestBreaches } from './manifest-check.ts';
import { typeBreaches } from './manifest-types.ts';

const sidecar = sidecarContainer({ mode: 'native' });

const deployment = (container: object, metadata: object = {}): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'a', labels: { 'app.kubernetes.io/name': 'a' }, ...metadata },
  spec: { selector: {}, template: { spec: { containers: [], initContainers: [container] } } },
});

test('a manifest that keeps every rule has nothing against it', async (t) => {
  assert.deepEqual(await manifestBreaches(deployment(sidecar)), []);
  assert.deepEqual(typeBreaches(t, [deployment(sidecar)]), []);
});

const bad: Readonly<Record<string, Manifest>> = {
  'a wrong type': deployment({ ...sidecar, args: 'run' }),
  'no label by convention': deployment(sidecar, { labels: { app: 'a' } }),
  'a container that runs as root': deployment({
    ...sidecar,
    securityContext: { ...sidecar.securityContext, runAsUser: 0 },
  }),
  'the latest image': deployment({ ...sidecar, image: 'outrigger:latest' }),
};

for (const [name, manifest] of Object.entries(bad)) {
  test(`a manifest may not have ${name}`, async () => {
    assert.equal((await manifestBreaches(manifest)).length, 1);
  });
}

test('the types of Kubernetes know which fields there are', (t) => {
  const [complaint, ...others] = typeBreaches(t, [
    deployment(sidecar),
    deployment({ ...sidecar, restartPolcy: 'Always' }),
    { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' }, spec: { ports: [{ port: 80 }] } },
  ]);
  assert.match(complaint!, /manifests\.ts\(2,\d+\).*restartPolcy/);
  assert.deepEqual(others, []);
});
