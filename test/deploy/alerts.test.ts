import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { prometheusRule } from '../../deploy/prometheus/prometheus-rule.ts';
import { anchorsOf, blocksOf, readPage } from '../docs/pages.ts';
import { withoutProgram } from '../rig/command-client.ts';
import { runProgram } from '../rig/program.ts';
import { alerts, readDeployed, ruleFile } from './alerts.ts';

const casesFile = join(import.meta.dirname, 'alert-cases.yaml');
const promtoolMissing = withoutProgram('promtool') && 'promtool is not installed (Debian: prometheus)';

test('the rules for the operator are those of the rule file', () => {
  const made = prometheusRule(readDeployed('prometheus/outrigger.rules.yaml'));

  assert.equal(
    readDeployed('prometheus/outrigger.prometheusrule.yaml'),
    made,
    'run: node deploy/prometheus/write-prometheus-rule.ts',
  );
  assert.deepEqual(parse(made).spec, parse(readDeployed('prometheus/outrigger.rules.yaml')));
});

test('every alert says how bad it is, what happened, what to do, and where to read on', () => {
  assert.ok(alerts.length > 0);
  for (const { alert, labels, annotations } of alerts) {
    assert.match(labels['severity'] ?? '', /^(?:critical|warning)$/, alert);
    assert.ok(annotations['summary'], alert);
    assert.ok(annotations['description'], alert);
    assert.match(annotations['runbook'] ?? '', /^docs\/operations\.md#alert-[a-z-]+$/, alert);
  }
});

test('where to read on is a heading of the page on operations, and each such heading belongs to an alert', () => {
  const headings = anchorsOf(readPage('docs/operations.md')).filter((anchor) => anchor.startsWith('alert-'));
  const runbooks = alerts.map(({ annotations }) => annotations['runbook']?.split('#')[1]);
  assert.deepEqual(headings.sort(), runbooks.sort());
});

test('Prometheus takes the rules', { skip: promtoolMissing }, async (t) => {
  await runProgram(t, 'promtool', ['check', 'rules', ruleFile]);
});

test('Prometheus takes the configuration that the page shows, with the rules', {
  skip: promtoolMissing,
}, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [shown = ''] = blocksOf(readPage('deploy/prometheus/README.md'), 'yaml');
  assert.ok(shown.startsWith('scrape_configs:'));
  const file = join(folder, 'prometheus.yaml');
  writeFileSync(file, `rule_files: [${ruleFile}]\n${shown}`);

  await runProgram(t, 'promtool', ['check', 'config', file]);
});

test('on synthetic series the alerts fire that should, and no others', {
  skip: promtoolMissing,
}, async (t) => {
  await runProgram(t, 'promtool', ['test', 'rules', casesFile]);
});

interface AlertCase {
  readonly input_series: readonly { readonly series: string }[];
  readonly promql_expr_test: readonly {
    readonly expr: string;
    readonly exp_samples?: readonly { readonly labels: string }[];
  }[];
}

const cases: readonly AlertCase[] = parse(readFileSync(casesFile, 'utf8')).tests;

const isExpected = (alert: string, check: AlertCase['promql_expr_test'][number]): boolean =>
  (check.exp_samples ?? []).some(({ labels }) => labels.includes(`alertname="${alert}"`));

for (const { alert, expr } of alerts) {
  test(`there are series on which ${alert} fires, and series on which it does not`, () => {
    const metrics = new Set(expr.match(/\b(?:outrigger|nodejs|process)_\w+/g));
    const about = cases.filter(({ input_series }) =>
      [...metrics].every((metric) => input_series.some(({ series }) => series.startsWith(`${metric}{`))),
    );
    const checks = about.flatMap(({ promql_expr_test }) => promql_expr_test);

    assert.ok(checks.every((check) => check.expr === 'ALERTS{alertstate="firing"}'));
    assert.ok(checks.some((check) => isExpected(alert, check)));
    assert.ok(checks.some((check) => !isExpected(alert, check)));
  });
}
