import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dashboardText } from '../../deploy/grafana/dashboard.ts';
import { readDeployed } from './alerts.ts';
import { committedDashboard, type DashboardPanel } from './dashboard-json.ts';

/** What Grafana asks of a dashboard that is imported: it is not there to be asked. */

const dashboard = committedDashboard();
const drawn = dashboard.panels.filter(({ type }) => type !== 'row');

test('the committed dashboard is what its description says today', () => {
  assert.equal(
    readDeployed('grafana/outrigger.json'),
    dashboardText(),
    'run: node deploy/grafana/write-dashboard.ts',
  );
});

test('it can be imported anywhere: a uid of its own, a schema that Grafana still reads, no data source by its uid', () => {
  assert.equal(dashboard.uid, 'outrigger');
  assert.ok(dashboard.schemaVersion >= 39);
  const sources = readDeployed('grafana/outrigger.json').matchAll(/"uid": "([^"]+)"/g);
  const named = new Set(Array.from(sources, ([, uid]) => uid));
  assert.deepEqual(named, new Set(['$datasource', 'outrigger']));
});

test('outside Kubernetes, where no series has a namespace or a pod, all of them are still chosen', () => {
  const byLabel = dashboard.templating.list.filter(({ type }) => type === 'query');
  const names = byLabel.map(({ name }) => name);
  assert.deepEqual(names, ['namespace', 'job', 'pod', 'instance', 'upstream']);
  // A missing label is an empty one: ".*" matches it, and ".+" would not.
  for (const { name, allValue } of byLabel) assert.equal(allValue, '.*', name);
});

test('every variable in a query is one of the dashboard', () => {
  const names = new Set(['__rate_interval', ...dashboard.templating.list.map(({ name }) => name)]);
  const text = readDeployed('grafana/outrigger.json');
  const used = new Set(Array.from(text.matchAll(/\$(\w+)/g), ([, name = '']) => name));
  // "All" is called $__all.
  used.delete('__all');
  assert.deepEqual(
    [...used].filter((name) => !names.has(name)),
    [],
  );
});

test('every panel has a title, a unit and a number of its own', () => {
  assert.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  assert.equal(new Set(drawn.map(({ title }) => title)).size, drawn.length);
  for (const { title, fieldConfig } of drawn) assert.ok(fieldConfig?.defaults.unit, title);
});

const overlap = ({ gridPos: a }: DashboardPanel, { gridPos: b }: DashboardPanel): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

test('no panel lies over another one or outside of the 24 columns', () => {
  for (const [index, panel] of dashboard.panels.entries()) {
    assert.ok(panel.gridPos.x + panel.gridPos.w <= 24, panel.title);
    for (const other of dashboard.panels.slice(index + 1)) {
      assert.ok(!overlap(panel, other), `${panel.title} and ${other.title}`);
    }
  }
});
