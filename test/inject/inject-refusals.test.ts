import assert from 'node:assert/strict';
import { test } from 'node:test';
import { injectManifests } from '../../src/inject/inject-manifests.ts';
import { asking, deployment, injected, saidOf, web } from './injected.ts';

const job = `apiVersion: batch/v1\nkind: Job\nmetadata: { name: once }\nspec: { template: { spec: { containers: [{ name: a }] } } }\n`;
const onWorkload = deployment(web).replace(
  '  namespace: shop\n',
  '  annotations: { outrigger/config: "a: b" }\n',
);
const doubled = deployment(web, 'outrigger/config: "admin: {}", outrigger/config-map: policies');
const bomb = `${Array.from({ length: 9 }, (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at}, `.repeat(9)}]`).join('\n')}\n`;

/** What is wrong, and what is said about it: all that is said. */
const refused: Readonly<Record<string, readonly [text: string, said: RegExp]>> = {
  'what is no YAML': ['a: 1\n---\nb: [1\n', /^stdin:4:1: flow sequence/],
  'a template that is not rendered': [
    'kind: Pod\nmetadata: { name: {{ .Release.Name }} }\n',
    /^stdin:2:\d+: has a key that is no text \(render templates first: this reads manifests\)$/,
  ],
  'a key that stands there twice': [
    deployment(`${web}containers: []\n`),
    /^stdin:14:7: has containers twice \(remove one\)$/,
  ],
  'containers that are no list': [deployment('containers: { a: b }\n'), /containers is not a list$/],
  'a container that is no mapping': [deployment('containers: [web]\n'), /is not a mapping$/],
  'an annotation that is not known': [
    deployment(web, 'outrigger/imgae: a'),
    /^stdin:10:22: Deployment shop\/web: outrigger\/imgae is not known \(known: inject, mode, image/,
  ],
  'an annotation that is no text': [
    deployment(web, 'outrigger/inject: true'),
    /is not a text \(put its value in quotes\)$/,
  ],
  'a value that cannot be': [
    deployment(web, 'outrigger/inject: yes'),
    /outrigger\/inject: "yes" is not enabled or disabled$/,
  ],
  'a name that cannot be': [
    deployment(web, 'outrigger/config-map: Policies_1'),
    /"Policies_1" is not a name/,
  ],
  'an amount that cannot be': [
    deployment(web, 'outrigger/memory: 64MB'),
    /"64MB" is not an amount such as 50m or 128Mi$/,
  ],
  'an image that cannot be': [deployment(web, 'outrigger/image: "a b"'), /"a b" is not an image/],
  'a configuration where no pod sees it': [onWorkload, /put it into the annotations of the pod template/],
  'two configurations': [doubled, /has both outrigger\/config-map and a configuration of its own/],
  'a container with our name': [
    deployment('containers:\n  - name: outrigger\n    image: canoe:1\n  - name: web\n'),
    /has a container called outrigger that inject did not put there \(rename it\)$/,
  ],
  'an init container with our name': [
    deployment(`${web}initContainers: [{ name: outrigger }]\n`),
    /has a container called outrigger/,
  ],
  'a volume with our name': [
    deployment(`${web}volumes: [{ name: outrigger-config, emptyDir: {} }]\n`),
    /has a volume called outrigger-config of another kind/,
  ],
  'a port that the sidecar needs': [
    deployment(`${web}    ports: [{ containerPort: 7401 }]\n`),
    /container web has port 7401, which the sidecar needs/,
  ],
  'a port with the name of ours': [
    deployment(`${web}    ports: [{ containerPort: 80, name: outrigger }]\n`),
    /calls a port outrigger/,
  ],
  'what no editor can tell the place of': [deployment('- a\n'), /^stdin:11:7: .*spec is not a mapping$/],
  'more than an alias may stand for': [
    `a0: &a0 [x]\n${bomb}apiVersion: v1\nkind: Pod\nspec: { nodeSelector: *a9, containers: [{ name: a }] }\n`,
    /has an alias of nothing, or too many$/,
  ],
  'an alias of nothing': [
    'apiVersion: v1\nkind: Pod\nspec: { containers: [{ name: a, args: *x }] }\n',
    /has an alias of nothing/,
  ],
  'a million brackets': ['['.repeat(1_000_000), /^stdin:1:201: is nested too deeply$/],
  'a million dashes': ['- '.repeat(1_000_000), /^stdin:1:401: is nested too deeply$/],
};

for (const [name, [text, said]] of Object.entries(refused)) {
  test(`${name}: is refused with the place, and nothing comes out`, () => {
    const lines = saidOf(text);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, said);
    assert.match(lines[0]!, /^stdin:\d+:\d+: /);
    assert.equal(injectManifests(text, asking()).text, '');
  });
}

test('a Job is refused a classic sidecar, beside which it would never complete', () => {
  assert.match(
    saidOf(job, asking({ mode: 'classic' })).join('\n'),
    /Job once: is a Job, which would never complete/,
  );
  assert.deepEqual(saidOf(job), []);
});

test('every problem of a stream is said, in its order', () => {
  const wrong = deployment(web, 'outrigger/mode: both');
  const lines = saidOf(`${wrong}---\n${deployment(web)}---\n${wrong}---\na: [\n`);
  assert.deepEqual(
    lines.map((line) => line.split(':')[1]),
    ['10', '39', '46'],
  );
});

/** What is injected all the same, and what is said about it. */
const warned: Readonly<Record<string, readonly [text: string, said: RegExp]>> = {
  'a grace period as short as the drain': [
    deployment(`terminationGracePeriodSeconds: 25\n${web}`),
    /terminationGracePeriodSeconds is 25, .* \(give it 30, or lower drain\.deadline\)$/,
  ],
  'processes that are shared': [deployment(`shareProcessNamespace: true\n${web}`), /shares its processes/],
  'a configuration in the annotation without probes': [
    deployment(web, 'outrigger/config: "egress: { unlisted: deny }"'),
    /admin\.probes is missing in its configuration/,
  ],
  'probes that no kubelet reaches': [
    deployment(web, `outrigger/config: "admin: { probes: '127.0.0.1:7402' }"`),
    /admin\.probes is "127\.0\.0\.1:7402"/,
  ],
  'a ConfigMap of the stream without probes': [
    `${deployment(web, 'outrigger/config-map: policies')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: policies }\ndata: { outrigger.yaml: "egress: {}" }\n`,
    /^stdin:1:1: warning: Deployment shop\/web: admin\.probes is missing/,
  ],
  'a ConfigMap of the stream with another key': [
    `${deployment(web, 'outrigger/config-map: policies')}---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: policies }\ndata: { config.yaml: "" }\n`,
    /ConfigMap policies has no outrigger\.yaml/,
  ],
  'a proxy of the app itself': [
    deployment(`${web}    env: [{ name: HTTP_PROXY, value: http://user:secret@corporate:3128 }]\n`),
    /container web sets HTTP_PROXY itself: what goes there passes the sidecar by \(take it out [^@]*$/,
  ],
  'a sidecar that is there and disabled': [
    injected(deployment(web, 'team: shop')).replace('team: shop', 'team: shop, outrigger/inject: disabled'),
    /is disabled, but has a sidecar \(take it out with --remove\)$/,
  ],
  'a ConfigMap that is no longer asked for': [
    injected(deployment(web), asking({ configMap: 'policies' })),
    /took its configuration from ConfigMap policies, .* \(--config-map policies, or outrigger\/config-map: policies\)$/,
  ],
};

for (const [name, [text, said]] of Object.entries(warned)) {
  test(`${name}: is injected with a warning`, () => {
    const lines = saidOf(text);
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0]!, said);
    assert.ok(injectManifests(text, asking()).isOk);
  });
}

test('nothing is said of proxy variables that are ours, that nobody asked for, or that only make exceptions', () => {
  const own = `${web}    env: [{ name: https_proxy, value: http://corporate:3128 }]\n`;
  assert.deepEqual(saidOf(injected(deployment(web))), []);
  assert.deepEqual(saidOf(deployment(own), asking({ hasProxyVariables: false })), []);
  assert.deepEqual(saidOf(deployment(`${web}    env: [{ name: NO_PROXY, value: db }]\n`)), []);
});

test('nothing is said of probes that are right, or come from the environment', () => {
  for (const probes of ['0.0.0.0:7402', '[::]:7402', `\${PROBES}`])
    assert.deepEqual(saidOf(deployment(web, `outrigger/config: "admin: { probes: '${probes}' }"`)), []);
});

test('a bare Pod that ends is warned of a classic sidecar', () => {
  const pod = 'apiVersion: v1\nkind: Pod\nspec: { restartPolicy: Never, containers: [{ name: a }] }\n';
  assert.match(saidOf(pod, asking({ mode: 'classic' })).join('\n'), /restartPolicy is Never/);
  assert.deepEqual(saidOf(pod), []);
});
