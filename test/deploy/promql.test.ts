import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMetrics } from '../rig/metrics.ts';
import { judgeQuery } from './promql.ts';

/** What the tests of rules and dashboard rely on: that a query which is wrong is found out. */

const page = parseMetrics(`
calls_total{upstream="reviews",reason="reset"} 3
calls_total{upstream="reviews",reason="timeout"} 1
places{upstream="reviews",state="free"} 2
lag_seconds 0.01
build_info{version="1"} 1
`);

const problemsOf = (query: string): readonly string[] => judgeQuery(query, page).problems;

for (const query of [
  'sum by (upstream, job) (rate(calls_total{reason=~"reset|timeout"}[5m])) > 0',
  'sum by (upstream) (calls_total) / on (upstream) max by (upstream) (places)',
  'lag_seconds > 0.1 and on (job, instance) build_info',
  'min_over_time(places{state="free"}[1m]) == 0 and ignoring (state) places{state!="taken"} > 0',
  'sum by (name) (label_replace(places, "name", "$1", "upstream", "(.*)"))',
]) {
  test(`nothing is wrong with ${query}`, () => {
    assert.deepEqual(problemsOf(query), []);
  });
}

for (const [query, problem] of [
  ['rate(call_total[5m])', 'no metric is called call_total'],
  ['calls_total{route=""}', 'calls_total has no label route'],
  ['calls_total{reason="resets"}', 'no series of calls_total has reason="resets"'],
  ['calls_total{reason=~"reset|timeouts"}', 'no series of calls_total has reason=~"timeouts"'],
  ['places{upstream!="reviews"}', 'no series of places has upstream!="reviews"'],
  ['sum by (rout) (calls_total)', 'rout is no label of what it groups or matches'],
  ['sum by (reason) (sum by (upstream) (calls_total))', 'reason is no label of what it groups or matches'],
  ['sum without (code) (calls_total)', 'code is no label of what it groups or matches'],
  ['calls_total and on (state) places', 'state is no label of what it groups or matches'],
  ['calls_total and on (reason) places', 'reason is no label of what it groups or matches'],
  ['places and ignoring (reason) calls_total', 'reason is no label of what it groups or matches'],
  ['rate(calls_total[5m]', 'no PromQL at 20: rate(calls_total[5m]'],
] as const) {
  test(`in ${query} it is found that ${problem}`, () => {
    assert.deepEqual(problemsOf(query), [problem]);
  });
}

test('the labels of a result are those that are left after grouping and matching', () => {
  const labelsOf = (query: string): string[] => [...judgeQuery(query, page).labels].sort();

  assert.deepEqual(labelsOf('sum by (upstream, job) (calls_total) > 1'), ['job', 'upstream']);
  assert.deepEqual(labelsOf('1 - sum by (job) (calls_total)'), ['job']);
  assert.deepEqual(labelsOf('lag_seconds and on (job) build_info'), ['instance', 'job', 'namespace', 'pod']);
  assert.deepEqual(labelsOf('sum(calls_total)'), []);
});
