import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Sample } from '../rig/metrics.ts';
import { alerts } from './alerts.ts';
import { busyPage } from './busy-sidecar.ts';
import { committedDashboard, filledIn } from './dashboard-json.ts';
import { judgeQuery } from './promql.ts';

/** Every query of the alerts and of the dashboard, held to what a real sidecar shows that has seen everything. */

const closers: (() => unknown)[] = [];
const dashboard = committedDashboard();
const panels = dashboard.panels.flatMap(({ title, targets }) =>
  targets === undefined
    ? []
    : {
        title,
        queries: targets.map(({ expr, legendFormat }) => ({
          query: filledIn(expr, dashboard),
          legend: legendFormat,
        })),
      },
);
let page: readonly Sample[] = [];

before(async () => {
  page = await busyPage({ after: (close) => closers.unshift(close) });
});

after(async () => {
  for (const close of closers) await close();
});

/** Names in the double braces of a legend or of an annotation that are not among `labels`. */
const strangers = (text: string, pattern: RegExp, labels: ReadonlySet<string>): string[] =>
  Array.from(text.matchAll(pattern), ([, name = '']) => name).filter((name) => !labels.has(name));

for (const { alert, expr, annotations } of alerts) {
  test(`${alert} asks for what is there, and its text for labels that it has`, () => {
    const { problems, labels } = judgeQuery(expr.trim(), page);

    assert.deepEqual(problems, []);
    for (const text of Object.values(annotations)) {
      assert.deepEqual(strangers(text, /\$labels\.(\w+)/g, labels), []);
    }
  });
}

for (const { title, queries } of panels) {
  test(`the panel "${title}" asks for what is there, and its legend for labels that it has`, () => {
    for (const { query, legend } of queries) {
      const { problems, labels } = judgeQuery(query, page);

      assert.deepEqual(problems, [], query);
      assert.deepEqual(strangers(legend, /\{\{(\w+)\}\}/g, labels), [], query);
    }
  });
}

test('the variables of the dashboard take their values from labels that are there', () => {
  const definitions = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
  assert.ok(definitions.length > 0);
  for (const definition of definitions) {
    const [, query = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(definition) ?? [];
    const { problems, labels } = judgeQuery(filledIn(query, dashboard), page);

    assert.deepEqual(problems, []);
    assert.ok(labels.has(label), label);
  }
});

test('the dashboard shows every metric of ours', () => {
  const ours = new Set(page.map(({ name }) => name).filter((name) => name.startsWith('outrigger_')));
  const shown = panels.flatMap(({ queries }) => queries.map(({ query }) => query)).join('\n');
  // Of the histogram it shows what the buckets say.
  const unshown = [...ours].filter(
    (name) => !shown.includes(`${name}{`) && !/_seconds_(sum|count)$/.test(name),
  );

  assert.deepEqual(unshown, []);
});
