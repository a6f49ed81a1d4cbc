import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { parse } from 'yaml';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { probePort } from '../../src/inject/sidecar-container.ts';
import {
  Chart,
  complaintOf,
  type Manifest,
  manifestFolder,
  manifestOf,
  withoutTool,
} from './kubernetes-tools.ts';

type Values = Readonly<Record<string, unknown>>;

describe('the Helm chart alone', { skip: withoutTool('helm') }, () => {
  const chart = new Chart({ after });

  const configOf = (manifests: readonly Manifest[], name = 'demo-outrigger'): string =>
    manifestOf(manifests, 'ConfigMap', name).data!['outrigger.yaml']!;

  /** The configuration with these values, as the sidecar understands it. */
  const settingsOf = (values: Values) => {
    const env = { OUTRIGGER_ADMIN_TOKEN: 'a-long-token' };
    const parsed = parseSettings(configOf(chart.template(values)), 'outrigger.yaml', env);
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return parsed.settings;
  };

  test('passes helm lint', () => {
    assert.match(chart.lint(), /1 chart\(s\) linted, 0 chart\(s\) failed/);
  });

  test('lets everything through by default, and has the probes where the container expects them', () => {
    const { egress, admin, upstreams } = settingsOf({});
    assert.equal(egress.unlisted, 'allow');
    assert.deepEqual(admin.probes, { host: '0.0.0.0', port: probePort });
    assert.deepEqual(upstreams, []);
  });

  test('passes policies on as they are written, numbers and words alike', () => {
    const { upstreams } = settingsOf({
      config: {
        upstreams: {
          reviews: {
            dns: 'reviews.shop:8080',
            bulkhead: { concurrency: 1_000_000 },
            breaker: { slowerThan: 'off' },
            fallback: { on: ['circuit_open'] },
          },
        },
      },
    });
    const [reviews] = upstreams;
    assert.equal(reviews?.policy.bulkhead.concurrency, 1_000_000);
    assert.deepEqual(reviews?.policy.fallback.on, ['circuit_open']);
  });

  test('makes a Secret of a token and uses it', () => {
    const values = { adminToken: { value: 'a-long-token' } };
    const secret = manifestOf(chart.template(values), 'Secret', 'demo-outrigger');
    assert.deepEqual((secret as { readonly stringData?: unknown }).stringData, { token: 'a-long-token' });
    assert.equal(settingsOf(values).admin.token, 'a-long-token');
    assert.doesNotMatch(configOf(chart.template(values)), /a-long-token/);
  });

  test('makes no Secret where there is one already', () => {
    const manifests = chart.template({ adminToken: { existingSecret: 'tokens' } });
    assert.deepEqual(
      manifests.map(({ kind }) => kind),
      ['ConfigMap'],
    );
  });

  test('takes the configuration as a text, and complains of what its pods could not start with', () => {
    const text = 'admin:\n  # by hand\n  probes: 0.0.0.0:7402\n';
    assert.equal(configOf(chart.template({ configText: text })).trimEnd(), text.trimEnd());
    const without = complaintOf(() => chart.template({ configText: 'egress: { unlisted: deny }\n' }));
    assert.match(without, /configText needs admin\.probes/);
    const unused = { configText: text, adminToken: { value: 'a-long-token' } };
    assert.match(
      complaintOf(() => chart.template(unused)),
      /configText does not use it/,
    );
  });

  const refused: Readonly<Record<string, Values>> = {
    'a misspelt policy': { config: { upstreams: { a: { breaker: { errorPercnt: 5 } } } } },
    'a value out of range': { config: { upstreams: { a: { breaker: { errorPercent: 500 } } } } },
    'a misspelt value': { mod: 'classic' },
    'probes at another port': { config: { admin: { probes: '0.0.0.0:1234' } } },
    'the latest image': { image: { tag: 'latest' } },
    'a token that is too short': { adminToken: { value: 'short' } },
    // What YAML 1.1, which Helm reads values with, makes of `on:` without quotes.
    'a fallback whose on has become true': { config: { defaults: { fallback: { true: ['timeout'] } } } },
  };
  for (const [name, values] of Object.entries(refused)) {
    test(`refuses ${name}`, () => {
      assert.match(
        complaintOf(() => chart.template(values)),
        /don't meet the specifications of the schema/,
      );
    });
  }

  test('makes a PodMonitor for the port of the sidecars, whatever pods they are in', () => {
    const values = { podMonitor: { enabled: true, interval: '15s', labels: { release: 'prometheus' } } };
    const { spec, metadata } = manifestOf(chart.template(values), 'PodMonitor', 'demo-outrigger');
    assert.deepEqual(spec, {
      selector: {},
      jobLabel: 'app.kubernetes.io/name',
      podMetricsEndpoints: [{ port: 'outrigger', path: '/metrics', interval: '15s' }],
    });
    assert.equal(metadata.labels?.['release'], 'prometheus');
  });

  test('carries the dashboard and the alerts as they are', () => {
    const carried = (name: string): string =>
      readFileSync(join(manifestFolder, 'chart/outrigger/files', name), 'utf8');
    const manifests = chart.template({ dashboard: { enabled: true }, alerts: { enabled: true } });
    const dashboard = manifestOf(manifests, 'ConfigMap', 'demo-outrigger-dashboard');
    assert.equal(dashboard.metadata.labels?.['grafana_dashboard'], '1');
    assert.deepEqual(JSON.parse(dashboard.data!['outrigger.json']!), JSON.parse(carried('outrigger.json')));
    const { spec } = manifestOf(manifests, 'PrometheusRule', 'demo-outrigger');
    assert.deepEqual(spec, parse(carried('outrigger.rules.yaml')));
  });

  test('labels everything by convention', () => {
    const on = { enabled: true };
    const adminToken = { value: 'a-long-token' };
    const manifests = chart.template({ adminToken, podMonitor: on, dashboard: on, alerts: on });
    assert.equal(manifests.length, 5);
    for (const { metadata } of manifests) {
      assert.equal(metadata.labels?.['app.kubernetes.io/name'], 'outrigger');
      assert.equal(metadata.labels?.['app.kubernetes.io/instance'], 'demo');
      assert.equal(metadata.labels?.['app.kubernetes.io/managed-by'], 'Helm');
    }
  });

  // Helm 3 says it only where there is a cluster.
  test('says in the end where to look', { skip: withoutTool('helm', [4, 0]) }, () => {
    const notes = chart.notes({ adminToken: { existingSecret: 'tokens' } });
    assert.match(notes, /port-forward POD 7401/);
    assert.match(notes, /get secret tokens -o go-template='\{\{\.data\.token \| base64decode\}\}'/);
    assert.match(chart.notes({ enabled: false }), /switched off/);
  });
});
