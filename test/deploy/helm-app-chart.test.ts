import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parse } from 'yaml';
import { configVolume, proxyVariables, sidecarContainer } from '../../src/inject/sidecar-container.ts';
import { blocksOf, readPage } from '../docs/pages.ts';
import { Chart, complaintOf, manifestOf, podOf, withoutTool } from './kubernetes-tools.ts';
import { typeBreaches } from './manifest-types.ts';

type Values = Readonly<Record<string, unknown>>;

const byName = (a: { readonly name: string }, b: { readonly name: string }) => a.name.localeCompare(b.name);

describe('the Helm chart in a chart of an application', { skip: withoutTool('helm') }, () => {
  const consumer = join(import.meta.dirname, 'app-chart');
  const chart = new Chart({ after }, consumer);
  const render = (outrigger: Values = {}, args: readonly string[] = []) =>
    chart.template({ outrigger }, args);
  const podWith = (outrigger: Values = {}) => podOf(manifestOf(render(outrigger), 'Deployment', 'demo'))!;

  test('puts a native sidecar first, before other init containers', () => {
    const pod = podWith();
    assert.deepEqual(pod.initContainers?.[0], sidecarContainer({ mode: 'native' }));
    assert.deepEqual(
      [...pod.initContainers!, ...pod.containers].map(({ name }) => name),
      ['outrigger', 'migrate', 'shop'],
    );
    assert.deepEqual(pod.volumes, [configVolume({ configMap: 'demo-outrigger' })]);
  });

  test('renders what is in the types of Kubernetes', (t) => {
    const rollOnChange = true;
    const manifests = [
      ...render({ rollOnChange }),
      ...render({ rollOnChange, mode: 'classic', adminToken: { value: 'a-long-token' } }),
      ...render({ rollOnChange, extraEnv: [{ name: 'REGION', value: 'north' }] }),
    ];
    assert.deepEqual(typeBreaches(t, manifests), []);
  });

  test('puts a classic sidecar among the containers', () => {
    const pod = podWith({ mode: 'classic' });
    assert.deepEqual(pod.containers[0], sidecarContainer({ mode: 'classic' }));
    assert.deepEqual(
      pod.initContainers!.map(({ name }) => name),
      ['migrate'],
    );
  });

  test('is included as its page says', () => {
    const page = readPage('deploy/kubernetes/chart/outrigger/README.md');
    const [dependency = '', values = ''] = blocksOf(page, 'yaml');
    const [templates = ''] = blocksOf(page, 'gotemplate');
    const includes = (text: string) => text.match(/include "outrigger\.\w+" \.Subcharts\.outrigger/g);
    const template = readFileSync(join(consumer, 'templates/shop.yaml'), 'utf8');
    assert.deepEqual(includes(templates), includes(template));
    assert.deepEqual(
      parse(dependency).dependencies,
      parse(readFileSync(join(consumer, 'Chart.yaml'), 'utf8')).dependencies,
    );
    assert.ok(chart.template(parse(values)).length > 0);
  });

  test('changes of the container what the values say', () => {
    const pod = podWith({
      image: { repository: 'registry.example/outrigger', tag: '9.9.9' },
      adminToken: { existingSecret: 'tokens' },
      existingConfigMap: 'policies',
      resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi' } },
    });
    const options = { cpu: '1', memory: '1Gi', memoryLimit: '2Gi', tokenSecret: 'tokens' };
    const image = 'registry.example/outrigger:9.9.9';
    assert.deepEqual(pod.initContainers?.[0], sidecarContainer({ mode: 'native', image, ...options }));
    assert.deepEqual(pod.volumes, [configVolume({ configMap: 'policies' })]);
  });

  test('adds variables and volumes of the user to the sidecar', () => {
    const env = { name: 'REGION', value: 'north' };
    const mount = { name: 'ca', mountPath: '/etc/ca' };
    const pod = podWith({
      extraEnv: [env],
      extraVolumes: [{ name: 'ca', secret: { secretName: 'ca' } }],
      extraVolumeMounts: [mount],
    });
    const plain = sidecarContainer({ mode: 'native' });
    const expected = { ...plain, env: [env], volumeMounts: [...plain.volumeMounts!, mount] };
    assert.deepEqual(pod.initContainers?.[0], expected);
    assert.deepEqual(pod.volumes?.[1], { name: 'ca', secret: { secretName: 'ca' } });
  });

  test('prefers a digest to a tag', () => {
    const digest = `sha256:${'0'.repeat(64)}`;
    const [sidecar] = podWith({ image: { digest, tag: '9.9.9' } }).initContainers!;
    assert.equal(sidecar!.image, `outrigger@${digest}`);
  });

  test('gives the app the proxy variables', () => {
    const app = podWith().containers.find(({ name }) => name === 'shop')!;
    assert.deepEqual([...app.env!].sort(byName), [...proxyVariables].sort(byName));
  });

  test('leads the app to another port of the proxy, and past it where the values say so', () => {
    const outrigger = {
      config: { egress: { address: '127.0.0.1:7500' } },
      proxyVariables: { noProxy: ['metrics.shop'] },
    };
    const { env = [] } = podWith(outrigger).containers.find(({ name }) => name === 'shop')!;
    const valueFor = (name: string) => env.find((variable) => variable.name === name)?.value;
    assert.equal(valueFor('https_proxy'), 'http://127.0.0.1:7500');
    assert.match(valueFor('NO_PROXY')!, /^localhost,.*,metrics\.shop$/);
  });

  test('takes everything out again when it is switched off', () => {
    const manifests = render({ enabled: false, adminToken: { value: 'a-long-token' }, rollOnChange: true });
    assert.deepEqual(
      manifests.map(({ kind }) => kind),
      ['Deployment'],
    );
    assert.doesNotMatch(JSON.stringify(manifests), /outrigger|PROXY|proxy/);
  });

  test('leaves the pods alone when the configuration changes, unless it is told otherwise', () => {
    const templateWith = (rollOnChange: boolean, unlisted: string) =>
      manifestOf(render({ rollOnChange, config: { egress: { unlisted } } }), 'Deployment', 'demo').spec;
    assert.deepEqual(templateWith(false, 'deny'), templateWith(false, 'allow'));
    assert.notDeepEqual(templateWith(true, 'deny'), templateWith(true, 'allow'));
  });

  test('refuses a native sidecar where Kubernetes does not know it', () => {
    const complaint = complaintOf(() => render({}, ['--kube-version', '1.28.9']));
    assert.match(complaint, /native sidecars need Kubernetes 1\.29: set mode to classic/);
    assert.ok(render({ mode: 'classic' }, ['--kube-version', '1.28.9']).length > 0);
    assert.ok(render({}, ['--kube-version', '1.29.0']).length > 0);
  });
});
