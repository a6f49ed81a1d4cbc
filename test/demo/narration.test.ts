import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announce, formatElapsed, introduce, narrate, sumUp } from '../../src/demo/narration.ts';
import { scenarios } from '../../src/demo/scenarios.ts';
import { makeSchedule } from '../../src/demo/schedule.ts';

const places = {
  egress: '127.0.0.1:1',
  admin: '127.0.0.1:2',
  program: 'outrigger',
  endsAfterMs: Number.POSITIVE_INFINITY,
};

test('the first lines say where everything is and when each scenario begins', () => {
  const { steps } = makeSchedule(scenarios);
  const text = introduce(places, steps).join('\n');

  assert.match(text, /http:\/\/127\.0\.0\.1:2\/$/m);
  assert.match(text, /outrigger top http:\/\/127\.0\.0\.1:2$/m);
  assert.match(text, /http:\/\/127\.0\.0\.1:2\/hystrix\.stream$/m);
  assert.match(text, /curl -i -x http:\/\/127\.0\.0\.1:1 /);
  for (const { atMs, scenario, isFirst } of steps) {
    if (isFirst)
      assert.match(text, new RegExp(`${formatElapsed(atMs)}  ${scenario.name} +${scenario.title}$`, 'm'));
  }
});

test('a step says what is the matter and what to watch', () => {
  const [first] = makeSchedule(scenarios).steps;
  assert.ok(first !== undefined);
  assert.deepEqual(announce(12_000, first), [
    '',
    ` 0:12  slow: ${first.step.news}`,
    `       watch: ${first.step.watch}`,
  ]);
});

test('the last step of a scenario says what comes next and when, also from the last scenario to the first', () => {
  const { steps } = makeSchedule(scenarios);
  const next = steps.map((step) => announce(60_000, step).find((line) => line.includes('next: ')));

  assert.deepEqual(
    next.filter((line) => line !== undefined),
    ['flaky', 'dead-endpoint', 'outage', 'overload', 'slow'].map((name) => `       next: ${name}, at 1:12`),
  );
  assert.equal(next[0], undefined);
});

test('how long it runs is said as it is', () => {
  const { steps } = makeSchedule(scenarios);
  const end = (endsAfterMs: number): string => introduce({ ...places, endsAfterMs }, steps).at(-2) ?? '';

  assert.equal(end(Number.POSITIVE_INFINITY), '  Then from the start, until Ctrl-C.');
  assert.equal(end(90_000), '  Then from the start, until Ctrl-C, at the latest at 1:30.');
});

test('elapsed time is minutes and seconds', () => {
  assert.deepEqual([0, 9999, 65_000, 3_600_000].map(formatElapsed), [' 0:00', ' 0:09', ' 1:05', '60:00']);
});

test('the sum tells how many calls did not go well', () => {
  assert.equal(sumUp('stock', { made: 9, good: 9 }), 'of 9 calls to stock meanwhile, all went well');
  assert.equal(sumUp('stock', { made: 9, good: 2 }), 'of 9 calls to stock meanwhile, 7 went wrong');
});

test('of the log, it tells what happens to breakers and endpoints, and warnings', () => {
  const tell = (line: object): string | null => narrate(JSON.stringify(line));
  assert.equal(
    tell({ event: 'breaker.transition', command: 'a.b', from: 'closed', to: 'open', why: '5 of 5 failed' }),
    'a.b: breaker closed -> open (5 of 5 failed)',
  );
  assert.equal(
    tell({ event: 'endpoint.changed', upstream: 'a', endpoint: 'h:1', change: 'passed_over', why: 'reset' }),
    'a: endpoint h:1 passed over (reset)',
  );
  assert.equal(
    tell({ event: 'breaker.overridden', msg: 'breaker of a: forced open', cause: 'by hand' }),
    'breaker of a: forced open (by hand)',
  );
  assert.equal(
    tell({ event: 'listener.open_to_others', level: 'warn', msg: 'listen on 127.0.0.1' }),
    'listen on 127.0.0.1',
  );
  assert.equal(tell({ event: 'process.started', level: 'info', msg: 'proxy on' }), null);
});
