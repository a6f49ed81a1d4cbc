import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { asking, deployment, injected, saidOf, web } from './injected.ts';
import { styles } from './manifest-arbitrary.ts';

const others: Readonly<Record<string, string>> = {
  'a Service with comments': `# front\napiVersion:   v1   # one\nkind: Service\nmetadata: {name: 'web',}\nspec:\n    ports:\n    -   port: 80\n`,
  'a kind of another group':
    'apiVersion: batch.volcano.sh/v1alpha1\nkind: Job\nspec: {template: {spec: {containers: [{name: a}]}}}\n',
  'a kind that only ends so': 'apiVersion: example.org/v1\nkind: PodDisruptionThing\n',
  'long and folded texts': `kind: ConfigMap\ndata:\n  a: >-\n    x\n\n     y\n  b: "1\\\n    2"\n  c: |+\n    z\n\n`,
  'CR LF and no last line': 'kind: Service\r\nspec:\r\n  - a # b\r\n-   c: d'.replace('-   c: d', '  - e'),
  'a byte order mark': '\ufeffkind: Service\n',
  'nothing at all': '',
  'comments alone': '# nothing\n\n# here\n',
  'anchors and aliases': 'a: &a {b: [1,   2]}\nc: *a\n<<: *a\n',
  'a text': '"just this"\n',
  JSON: '{"kind" :"Service",\n\t"n": 1.0, "big": 123456789012345678901234567890 }\n',
};

for (const [name, text] of Object.entries(others)) {
  test(`${name}: comes out byte for byte`, () => {
    assert.equal(injected(text), text);
  });

  test(`${name}: is the same beside a workload`, () => {
    const around = [`---\n${text.replace(/^\ufeff/, '')}`, '---\n', deployment(web)];
    const [first = ''] = around;
    const whole = first.endsWith('\n') ? around : [`${first}\n`, ...around.slice(1)];
    const result = injected(whole.join(''));
    assert.ok(result.startsWith(whole[0]!));
    assert.match(result, /name: outrigger/);
  });
}

test('whatever is no workload comes out byte for byte, in every style', () => {
  const values = fc.object({
    key: fc.stringMatching(/^[a-z]{1,5}$/),
    values: [
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom('a\nb\n', ' x ', '---\n'),
    ],
    maxDepth: 3,
  });
  for (const [style, write] of Object.entries(styles)) {
    fc.assert(
      fc.property(values, (data) => {
        const text = write({ apiVersion: 'example.org/v1', kind: 'Thing', spec: data });
        assert.equal(injected(text), text, style);
      }),
      { numRuns: 40 },
    );
  }
});

test('in a List, only the workloads change', () => {
  const service = `  - apiVersion: v1\n    kind: Service\n    metadata: {name:   web} # as it was\n`;
  const pod = `  - apiVersion: v1\n    kind: Pod\n    metadata: { name: web }\n    spec:\n      containers: [{ name: web }]\n`;
  const result = injected(`apiVersion: v1\nkind: List\nitems:\n${service}${pod}${service}`);
  assert.equal(result.split(service).length, 3);
  assert.match(result, /- name: outrigger/);
});

const passed: Readonly<Record<string, readonly [text: string, said: RegExp | null]>> = {
  'a workload that is disabled': [deployment(web, 'outrigger/inject: disabled'), null],
  "a pod in its node's network": [
    deployment(`hostNetwork: true\n${web}`),
    /warning: .* uses the network of its node/,
  ],
  'a pod for Windows': [deployment(`nodeSelector: { kubernetes.io/os: windows }\n${web}`), /runs on Windows/],
  'a pod that says it is for Windows': [deployment(`os: { name: windows }\n${web}`), /runs on Windows/],
  'what a controller owns': [
    deployment(web).replace(
      '  namespace: shop\n',
      '  ownerReferences: [{ kind: Rollout, name: web, controller: true }]\n',
    ),
    /belongs to Rollout web, which would undo it \(inject that one\)/,
  ],
  'a patch without containers': [
    'apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { replicas: 3 }\n',
    /has no containers: passed through/,
  ],
};

for (const [name, [text, said]] of Object.entries(passed)) {
  test(`${name}: is passed through, ${said === null ? 'without a word' : 'with a warning'}`, () => {
    assert.equal(injected(text), text);
    if (said === null) assert.deepEqual(saidOf(text), []);
    else assert.match(saidOf(text).join('\n'), said);
  });
}

test('what stands against a sidecar is an error where an annotation asks for it', () => {
  const text = deployment(`hostNetwork: true\n${web}`, 'outrigger/inject: enabled');
  assert.match(
    saidOf(text, asking()).join('\n'),
    /^stdin:14:9: Deployment shop\/web: uses the network of its node/,
  );
});
