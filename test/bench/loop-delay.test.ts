import assert from 'node:assert/strict';
import { test } from 'node:test';
import { delaysIn, mixOf } from './loop-delay.ts';

test('the delay is what the program says, in ms, less the time between two looks', () => {
  const page = [
    '# TYPE nodejs_eventloop_lag_p99_seconds gauge',
    'nodejs_eventloop_lag_max_seconds 0.0355',
    'nodejs_eventloop_lag_p99_seconds 0.012',
  ].join('\n');

  const { p99Ms, maxMs } = delaysIn(page);

  assert.deepEqual([p99Ms.toFixed(3), maxMs.toFixed(3)], ['2.000', '25.500']);
});

test('a page without the figure is no figure of 0', () => {
  assert.throws(() => delaysIn('up 1\n'), /no nodejs_eventloop_lag_p99_seconds/);
});

test('every route is asked as often as any other, and one in twenty of its requests fails', () => {
  const asked = new Map<string, { all: number; failing: number }>();
  for (const request of mixOf().requests) {
    const [, route, last] = /^GET \/(r\d+)\/(items|fail) /.exec(request)!;
    const counts = asked.get(route!) ?? { all: 0, failing: 0 };
    counts.all++;
    if (last === 'fail') counts.failing++;
    asked.set(route!, counts);
  }

  assert.equal(asked.size, 1000);
  assert.deepEqual(
    [...new Set([...asked.values()].map((counts) => JSON.stringify(counts)))],
    ['{"all":20,"failing":1}'],
  );
});

test('no stretch of requests fails as a whole', () => {
  const { requests } = mixOf();
  const failing = requests.slice(0, 200).filter((request) => request.includes('/fail ')).length;

  assert.equal(failing, 10);
});
