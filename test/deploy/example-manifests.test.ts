import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import { parse } from 'yaml';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { sidecarContainer } from '../../src/inject/sidecar-container.ts';
import {
  kustomize,
  type Manifest,
  manifestFolder,
  manifestOf,
  podOf,
  withoutTool,
} from './kubernetes-tools.ts';
import { manifestBreaches } from './manifest-check.ts';
import { typeBreaches } from './manifest-types.ts';

const folder = join(manifestFolder, 'example');
const namespace = 'outrigger-example';
const skip = withoutTool('kubectl');

describe('the example application', { skip }, () => {
  const manifests: readonly Manifest[] = skip === false ? kustomize(folder) : [];
  const serviceOf = (name: string) => manifestOf(manifests, 'Service', name).spec as unknown as ServiceSpec;
  const podSpecOf = (name: string) => podOf(manifestOf(manifests, 'Deployment', name))!;
  const configuration = () => manifestOf(manifests, 'ConfigMap', 'outrigger').data!['outrigger.yaml']!;

  test('passes the schemas and types of Kubernetes, the restricted standard, and our own rules', async (t) => {
    const breaches = await Promise.all(manifests.map(manifestBreaches));
    assert.deepEqual(breaches.flat(), []);
    assert.deepEqual(typeBreaches(t, manifests), []);
  });

  test('enforces the restricted standard in its namespace, and has everything there', () => {
    const { metadata } = manifestOf(manifests, 'Namespace', namespace);
    assert.equal(metadata.labels?.['pod-security.kubernetes.io/enforce'], 'restricted');
    const elsewhere = manifests.filter((manifest) => manifest.metadata.namespace !== namespace);
    assert.deepEqual(
      elsewhere.map(({ kind }) => kind),
      ['Namespace'],
    );
  });

  test('has the sidecar with its token beside the services that call others', () => {
    const expected = sidecarContainer({ mode: 'native', tokenSecret: 'outrigger' });
    assert.deepEqual(podSpecOf('front').initContainers, [expected]);
    assert.deepEqual(podSpecOf('reviews').initContainers, [expected]);
    assert.equal(podSpecOf('ratings').initContainers, undefined);
  });

  test('has a configuration that the sidecar takes, with the token of the Secret', () => {
    const secret = manifestOf(manifests, 'Secret', 'outrigger');
    const token = Buffer.from(secret.data!['token']!, 'base64').toString();
    const parsed = parseSettings(configuration(), 'outrigger.yaml', { OUTRIGGER_ADMIN_TOKEN: token });
    assert.ok(parsed.ok, JSON.stringify(parsed));
    assert.equal(parsed.settings.admin.token, token);
    assert.deepEqual(parsed.settings.admin.probes, { host: '0.0.0.0', port: 7402 });
  });

  test('finds each upstream by a headless Service whose pods listen there', () => {
    const { upstreams } = parse(configuration()) as { upstreams: Record<string, { dns: string }> };
    assert.deepEqual(Object.keys(upstreams), ['reviews', 'ratings']);
    for (const [name, { dns }] of Object.entries(upstreams)) {
      const { clusterIP, ports, selector } = serviceOf(name);
      assert.equal(dns, `${name}.${namespace}.svc.cluster.local:${ports?.[0]?.port}`);
      assert.equal(clusterIP, 'None');
      const { spec } = manifestOf(manifests, 'Deployment', name);
      const template = spec!['template'] as { metadata: { labels: Record<string, string> } };
      for (const [key, value] of Object.entries(selector!))
        assert.equal(template.metadata.labels[key], value);
      assert.equal(podSpecOf(name).containers[0]?.ports?.[0]?.containerPort, ports?.[0]?.port);
    }
  });

  test('runs scripts that are where its containers look for them', () => {
    for (const name of ['front', 'reviews', 'ratings']) {
      const { containers, volumes = [] } = podSpecOf(name);
      const script = containers[0]!.command!.at(-1)!.replace('/services/', '');
      const configMap = volumes.find((volume) => volume.name === 'example-services')!.configMap!.name!;
      const text = readFileSync(join(folder, 'services', script), 'utf8');
      assert.equal(manifestOf(manifests, 'ConfigMap', configMap).data![script], text);
    }
  });
});
