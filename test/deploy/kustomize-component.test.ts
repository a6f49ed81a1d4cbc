import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { parse } from 'yaml';
import {
  configVolume,
  defaultImage,
  proxyVariables,
  sidecarContainer,
} from '../../src/inject/sidecar-container.ts';
import { blocksOf, readPage } from '../docs/pages.ts';
import { applyOverlay, type Manifest, manifestOf, podOf, withoutTool } from './kubernetes-tools.ts';

const kinds = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
const owner = { after };

/** A workload with an init container and two containers; one of them has a variable. */
const workload = (kind: string, name: string, annotations: Readonly<Record<string, string>>) => ({
  apiVersion: 'apps/v1',
  kind,
  metadata: { name, annotations },
  spec: {
    template: {
      spec: {
        initContainers: [{ name: 'migrate', image: 'migrate:1' }],
        containers: [
          { name: 'app', image: 'app:1' },
          { name: 'cron', image: 'cron:1', env: [{ name: 'TZ', value: 'UTC' }] },
        ],
        volumes: [{ name: 'data', emptyDir: {} }],
      },
    },
  },
});

const chosen = { 'outrigger/inject': 'enabled' };
const resources = kinds.map((kind) => workload(kind, 'shop', chosen));

/** The configuration as the overlay's own ConfigMap. */
const configMap = (options: Readonly<Record<string, unknown>>) => ({
  configMapGenerator: [{ name: 'outrigger', files: ['outrigger.yaml'], options }],
});
const files = { 'outrigger.yaml': 'admin: { probes: 0.0.0.0:7402 }\n' };

const podsOf = (manifests: readonly Manifest[]) =>
  kinds.map((kind) => podOf(manifestOf(manifests, kind, 'shop'))!);

const modes = [
  ['native', 'component'],
  ['classic', 'component/classic'],
] as const;

/** What each component makes of the workloads, rendered once. */
const rendered = new Map<string, readonly Manifest[]>();
const withComponent = (folder: string): readonly Manifest[] => {
  const known = rendered.get(folder) ?? applyOverlay(owner, { components: [folder], resources });
  rendered.set(folder, known);
  return known;
};

const byName = (a: { readonly name: string }, b: { readonly name: string }) => a.name.localeCompare(b.name);
const variables = [...proxyVariables].sort(byName);

describe('the kustomize component', { skip: withoutTool('kubectl') }, () => {
  test('puts a native sidecar before the init containers of each kind of workload', () => {
    for (const pod of podsOf(withComponent('component'))) {
      assert.deepEqual(pod.initContainers?.[0], sidecarContainer({ mode: 'native' }));
      assert.deepEqual(
        pod.initContainers?.map(({ name }) => name),
        ['outrigger', 'migrate'],
      );
      assert.deepEqual(
        pod.containers.map(({ name }) => name),
        ['app', 'cron'],
      );
      const [config, data] = pod.volumes ?? [];
      assert.deepEqual(config, configVolume({ configMap: 'outrigger' }));
      assert.deepEqual(data, { name: 'data', emptyDir: {} });
    }
  });

  test('puts a classic sidecar first among the containers, without proxy variables of its own', () => {
    for (const pod of podsOf(withComponent('component/classic'))) {
      assert.deepEqual(pod.containers[0], sidecarContainer({ mode: 'classic' }));
      assert.deepEqual(
        pod.containers.map(({ name }) => name),
        ['outrigger', 'app', 'cron'],
      );
      assert.deepEqual(
        pod.initContainers?.map(({ name }) => name),
        ['migrate'],
      );
    }
  });

  test('gives every container of the app the proxy variables, beside its own', () => {
    for (const [, component] of modes) {
      for (const pod of podsOf(withComponent(component))) {
        const envOf = (name: string) =>
          pod.containers.find((container) => container.name === name)?.env ?? [];
        assert.deepEqual([...envOf('app')].sort(byName), variables);
        assert.deepEqual(envOf('cron')[0], { name: 'TZ', value: 'UTC' });
        assert.deepEqual(envOf('cron').slice(1).sort(byName), variables);
      }
    }
  });

  test('leaves the containers of the app as they are where an annotation says so', () => {
    const annotations = { ...chosen, 'outrigger/proxy-env': 'disabled' };
    const plain = kinds.map((kind) => workload(kind, 'shop', annotations));
    for (const [mode, component] of modes) {
      for (const pod of podsOf(applyOverlay(owner, { components: [component], resources: plain }))) {
        const others = pod.containers.filter(({ name }) => name !== 'outrigger');
        assert.deepEqual(others, plain[0]!.spec.template.spec.containers);
        const all = [...pod.initContainers!, ...pod.containers];
        assert.deepEqual(
          all.find(({ name }) => name === 'outrigger'),
          sidecarContainer({ mode }),
        );
      }
    }
  });

  test('takes the admin token from the Secret with the component for it', () => {
    for (const [mode, folder] of modes) {
      const components = [folder, `${folder}/token`];
      for (const pod of podsOf(applyOverlay(owner, { components, resources }))) {
        const [sidecar] = mode === 'native' ? pod.initContainers! : pod.containers;
        assert.deepEqual(sidecar, sidecarContainer({ mode, tokenSecret: 'outrigger' }));
      }
    }
  });

  test('leaves workloads alone that do not have the annotation, or have it with another value', () => {
    const others = [
      workload('Deployment', 'plain', { team: 'shop' }),
      workload('StatefulSet', 'bypassed', { 'outrigger/inject': 'disabled' }),
    ];
    for (const [, component] of modes) {
      const components = [component, `${component}/token`];
      assert.deepEqual(applyOverlay(owner, { components, resources: others }), others);
    }
  });

  test('mounts a ConfigMap without a hash in its name by that name', () => {
    const more = configMap({ disableNameSuffixHash: true });
    const applied = applyOverlay(owner, { components: ['component'], resources, more, files });
    assert.equal(
      manifestOf(applied, 'ConfigMap', 'outrigger').data?.['outrigger.yaml'],
      files['outrigger.yaml'],
    );
    for (const pod of podsOf(applied)) assert.equal(pod.volumes?.[0]?.configMap?.name, 'outrigger');
  });

  test('follows the name of a ConfigMap with a hash, so that a change replaces the pods', () => {
    const nameAfter = (text: string): string => {
      const changed = { 'outrigger.yaml': text };
      const more = configMap({});
      const applied = applyOverlay(owner, { components: ['component'], resources, more, files: changed });
      const { name } = applied.find(({ kind }) => kind === 'ConfigMap')!.metadata;
      for (const pod of podsOf(applied)) assert.equal(pod.volumes?.[0]?.configMap?.name, name);
      return name;
    };
    assert.match(nameAfter('admin: {}\n'), /^outrigger-\w+$/);
    assert.notEqual(nameAfter('admin: {}\n'), nameAfter('egress: {}\n'));
  });

  test('takes the image from where the overlay says', () => {
    const more = { images: [{ name: 'outrigger', newName: 'registry.example/outrigger', newTag: '9.9.9' }] };
    for (const [, component] of modes) {
      for (const pod of podsOf(applyOverlay(owner, { components: [component], resources, more }))) {
        const all = [...pod.initContainers!, ...pod.containers];
        const images = all.filter(({ name }) => name === 'outrigger').map(({ image }) => image);
        assert.deepEqual(images, ['registry.example/outrigger:9.9.9']);
      }
    }
  });

  test('works with the overlay of its page', () => {
    const [block = ''] = blocksOf(readPage('deploy/kubernetes/component/README.md'), 'yaml');
    const {
      resources: _,
      components,
      ...more
    } = parse(block) as { resources: string[]; components: string[] };
    assert.deepEqual(components, ['outrigger/deploy/kubernetes/component']);
    const applied = applyOverlay(owner, { components: ['component'], resources, more, files });
    manifestOf(applied, 'ConfigMap', 'outrigger');
    for (const pod of podsOf(applied)) {
      assert.equal(pod.initContainers?.[0]?.image, `registry.example/${defaultImage}`);
    }
  });

  test('adds no object of its own', () => {
    const applied = withComponent('component');
    assert.deepEqual(applied.map(({ kind }) => kind).sort(), [...kinds].sort());
  });
});
