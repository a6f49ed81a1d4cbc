import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import {
  annotatedConfig,
  configVolume,
  defaultImage,
  proxyVariables,
  sidecarContainer,
} from '../../src/inject/sidecar-container.ts';
import { asking, deployment, injected, podOf, saidOf, templateOf, variablesOf, web } from './injected.ts';

const ours = Object.fromEntries(proxyVariables.map(({ name, value }) => [name, value]));
const native = sidecarContainer({ mode: 'native' });
const classic = sidecarContainer({ mode: 'classic' });

test('a native sidecar is the first of the init containers', () => {
  const first = podOf(injected(deployment(web)));
  assert.deepEqual(first.initContainers, [native]);
  assert.deepEqual(
    first.containers.map(({ name }) => name),
    ['web'],
  );
  const second = podOf(injected(deployment(`${web}initContainers:\n  - name: migrate\n    image: shop:1\n`)));
  assert.deepEqual(
    second.initContainers?.map(({ name }) => name),
    ['outrigger', 'migrate'],
  );
});

test('a classic sidecar is the first of the containers, and kubectl is told which one the app is', () => {
  const text = injected(deployment(web), asking({ mode: 'classic' }));
  assert.deepEqual(podOf(text).containers[0], classic);
  assert.equal(podOf(text).initContainers, undefined);
  assert.equal(templateOf(text).metadata?.annotations?.['kubectl.kubernetes.io/default-container'], 'web');
});

test('whom kubectl takes for the app is not changed where somebody has said it', () => {
  const text = deployment(web, 'kubectl.kubernetes.io/default-container: other');
  const result = templateOf(injected(text, asking({ mode: 'classic' })));
  assert.equal(result.metadata?.annotations?.['kubectl.kubernetes.io/default-container'], 'other');
});

test('without a configuration, the annotation of the pods has one, and a volume shows it', () => {
  const text = injected(deployment(web));
  assert.deepEqual(podOf(text).volumes, [configVolume({ configMap: null })]);
  assert.deepEqual(templateOf(text).metadata?.annotations, { 'outrigger/config': annotatedConfig(null) });
});

test('a configuration that somebody wrote into the annotation stays', () => {
  const text = injected(
    deployment(web, `outrigger/config: "admin: { probes: '0.0.0.0:7402' }"`),
    asking({ configMap: 'all' }),
  );
  assert.deepEqual(podOf(text).volumes, [configVolume({ configMap: null })]);
  assert.equal(
    templateOf(text).metadata?.annotations?.['outrigger/config'],
    `admin: { probes: '0.0.0.0:7402' }`,
  );
});

test('a ConfigMap takes the place of the configuration that inject wrote', () => {
  const text = injected(injected(deployment(web)), asking({ configMap: 'policies' }));
  assert.deepEqual(podOf(text).volumes, [{ name: 'outrigger-config', configMap: { name: 'policies' } }]);
  assert.equal(templateOf(text).metadata?.annotations, undefined);
});

test('a Secret becomes the token, in the environment and in the configuration', () => {
  const text = injected(deployment(web), asking({ tokenSecret: 'outrigger' }));
  assert.deepEqual(podOf(text).initContainers?.[0]?.env, [
    { name: 'OUTRIGGER_ADMIN_TOKEN', valueFrom: { secretKeyRef: { name: 'outrigger', key: 'token' } } },
  ]);
  assert.equal(templateOf(text).metadata?.annotations?.['outrigger/config'], annotatedConfig('outrigger'));
});

test('an older sidecar is brought up to date where it stands', () => {
  const first = `${web}initContainers:\n  - name: vault\n    image: vault:1\n`;
  const old = injected(deployment(first), asking({ image: 'outrigger:0.0.9' }));
  const moved = parse(old);
  moved.spec.template.spec.initContainers.reverse();
  const result = podOf(injected(JSON.stringify(moved)));
  assert.deepEqual(
    result.initContainers?.map(({ image }) => image),
    ['vault:1', defaultImage],
  );
});

test('a native sidecar becomes a classic one, and the other way round', () => {
  const there = injected(injected(deployment(web)), asking({ mode: 'classic' }));
  assert.equal(podOf(there).initContainers, undefined);
  assert.deepEqual(podOf(there).containers[0], classic);
  const back = podOf(injected(there));
  assert.deepEqual(back.initContainers, [native]);
  assert.equal(back.containers.length, 1);
});

test('all containers that run while the sidecar does use the proxy, and it does not', () => {
  const spec = `${web}  - name: worker\n    image: shop:1\ninitContainers:\n  - name: migrate\n    image: shop:1\n`;
  const pod = podOf(injected(deployment(spec)));
  for (const container of [...pod.containers, pod.initContainers?.[1]])
    assert.deepEqual(variablesOf(container), ours);
  assert.equal(pod.initContainers?.[0]?.env, undefined);
});

test('an init container that ends before the sidecar begins does not use the proxy', () => {
  const spec = `${web}initContainers:\n  - name: migrate\n    image: shop:1\n`;
  const text = injected(deployment(spec));
  const pod = podOf(injected(text, asking({ mode: 'classic' })));
  assert.deepEqual(pod.initContainers, [{ name: 'migrate', image: 'shop:1' }]);
});

test('a variable that is set, in whichever case, is left in both', () => {
  const spec = `${web}    env:\n      - { name: https_proxy, value: http://corporate:3128 }\n      - { name: NO_PROXY, value: db }\n`;
  const { https_proxy, NO_PROXY, HTTP_PROXY, ...rest } = variablesOf(
    podOf(injected(deployment(spec))).containers[0],
  );
  assert.equal(https_proxy, 'http://corporate:3128');
  assert.equal(NO_PROXY, 'db');
  assert.equal(HTTP_PROXY, ours['HTTP_PROXY']);
  assert.deepEqual(Object.keys(rest), ['http_proxy', 'NODE_USE_ENV_PROXY']);
});

test('the proxy variables can be left out, and be taken out later', () => {
  const without = asking({ hasProxyVariables: false });
  assert.equal(podOf(injected(deployment(web), without)).containers[0]?.env, undefined);
  const spec = `${web}    env:\n      - { name: A, value: b }\n`;
  assert.deepEqual(variablesOf(podOf(injected(injected(deployment(spec)), without)).containers[0]), {
    A: 'b',
  });
});

test('annotations of the pods go before those of the workload, and these before the command line', () => {
  const pods = `outrigger/image: own/outrigger:2, outrigger/cpu: 10m, outrigger/memory: 64Mi, outrigger/memory-limit: "1Gi"`;
  const text = deployment(web, `${pods}, outrigger/proxy-env: disabled`).replace(
    '  namespace: shop\n',
    '  namespace: shop\n  annotations: { outrigger/mode: classic, outrigger/image: other:1, outrigger/config-map: mine }\n',
  );
  const pod = podOf(injected(text, asking({ image: 'third:1', configMap: 'all' })));
  assert.equal(pod.containers[0]?.image, 'own/outrigger:2');
  assert.deepEqual(pod.containers[0]?.resources, {
    requests: { cpu: '10m', memory: '64Mi' },
    limits: { memory: '1Gi' },
  });
  assert.deepEqual(pod.volumes, [configVolume({ configMap: 'mine' })]);
  assert.equal(pod.containers[1]?.env, undefined);
});

test('every kind of workload gets its sidecar', () => {
  const pod = 'spec: { containers: [{ name: a, image: b }] }';
  const stream = [
    ...['Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'].map(
      (kind) => `apiVersion: apps/v1\nkind: ${kind}\nspec: { template: { ${pod} } }\n`,
    ),
    `apiVersion: batch/v1\nkind: Job\nspec: { template: { ${pod} } }\n`,
    `apiVersion: batch/v1\nkind: CronJob\nspec: { jobTemplate: { spec: { template: { ${pod} } } } }\n`,
    `apiVersion: v1\nkind: Pod\n${pod}\n`,
  ].join('---\n');
  const documents = parseAllDocuments(injected(stream)).map((document) => JSON.stringify(document));
  assert.equal(documents.length, 7);
  for (const document of documents) assert.match(document, /"initContainers":\[\{"name":"outrigger"/);
});

test('comments and forms of writing stay where they were', () => {
  const spec = `# what runs
containers:   # one
  # the app
  -   name: "web"    # its name
      image: 'shop:1'
      args: [ a,
              b ]

# where it runs
nodeSelector: { disk: ssd }   # fast
`;
  const before = deployment(spec).split('\n');
  const added = injected(deployment(spec))
    .split('\n')
    .filter((line) => !before.includes(line));
  const kept = injected(deployment(spec))
    .split('\n')
    .filter((line) => before.includes(line));
  assert.deepEqual(
    kept.filter((line) => line !== ''),
    before.filter((line) => line !== ''),
  );
  assert.equal(added[0], '      annotations:');
});

test('a sidecar in JSON is laid out as the rest of it', () => {
  const data = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'a' },
    spec: { containers: [{ name: 'a', image: 'b' }] },
  };
  for (const step of [2, 4, '\t', undefined]) {
    const result = injected(JSON.stringify(data, null, step));
    if (step !== undefined) assert.equal(result, JSON.stringify(JSON.parse(result), null, step));
    assert.deepEqual(JSON.parse(result).spec.initContainers, [native]);
  }
});

test('aliases stay aliases, and what is changed for several is said', () => {
  const spec = `containers:
  - name: web
    env: &env [{ name: A, value: b }]
  - name: worker
    env: *env
  - <<: &base { image: shop:1 }
    name: third
`;
  const text = deployment(spec);
  const result = injected(text);
  assert.match(result, /env: \*env\n/);
  assert.match(result, /<<: &base \{ image: shop:1 \}\n/);
  assert.match(saidOf(text).join('\n'), /^stdin:13:21: warning: &env is used more than once/);
  const [, worker] = parse(result, { merge: true }).spec.template.spec.containers;
  assert.deepEqual(variablesOf(worker), { A: 'b', ...ours });
});

test('what is not asked for is taken out: container, volume, annotation and variables', () => {
  const text = deployment(`${web}volumes:\n  - name: tmp\n    emptyDir: {}\n`);
  assert.equal(injected(injected(text), { remove: true }), text);
  assert.equal(injected(text, { remove: true }), text);
});
