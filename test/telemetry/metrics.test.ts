import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { clientGone, failure, failureStatus, rejected, success } from '../../src/policy/outcome.ts';
import { Commands } from '../../src/telemetry/commands.ts';
import type { MetricsSource } from '../../src/telemetry/metrics.ts';
import { Metrics, prefersOpenMetrics, startMetrics } from '../../src/telemetry/metrics.ts';
import { bulkheadView, describeCommand, exchangeEnded, metricsSource } from './command-fixture.ts';

const sourceOf = (commands: Commands): MetricsSource =>
  metricsSource({
    commands,
    upstreams: () => [
      {
        name: 'reviews',
        retryBudgetTokens: 7,
        endpoints: { available: 2, passedOver: 1 },
        dnsLookups: { answered: 5, empty: 0, failed: 2, timeout: 1 },
      },
      { name: 'fixed', retryBudgetTokens: 7, endpoints: { available: 1, passedOver: 0 }, dnsLookups: null },
    ],
    reloads: () => ({ succeeded: 3, failed: 1, lastSucceeded: false }),
    tunnels: () => 3,
    logLinesDropped: () => 4,
  });

/** Every sample of an exposition by its name and labels; a line that is neither sample nor comment fails. */
const parseExposition = (text: string): Map<string, number> => {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# ')) continue;
    const match = /^([a-z_:][a-z0-9_:]*)(\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)+\})? (\S+)$/i.exec(line);
    assert.ok(match, `not a sample: ${line}`);
    const key = `${match[1]}${match[2] ?? ''}`;
    assert.ok(!samples.has(key), `twice: ${key}`);
    samples.set(key, Number(match[3]));
  }
  return samples;
};

const scrape = async (commands: Commands): Promise<Map<string, number>> =>
  parseExposition((await new Metrics(sourceOf(commands)).page('')).text);

test('requests are counted by outcome and code, to the unit', async () => {
  const commands = new Commands();
  const book = commands.open(describeCommand('reviews.ratings', { upstream: 'reviews', route: 'ratings' }));
  for (let index = 0; index < 1000; index += 1) book.exchangeEnded(exchangeEnded(), 0);
  book.exchangeEnded(
    exchangeEnded({ outcome: failureStatus(503, -1), reason: 'upstream_status', status: 503 }),
    0,
  );
  book.exchangeEnded(exchangeEnded({ outcome: clientGone, reason: 'client_gone', status: 499 }), 0);
  book.exchangeEnded(exchangeEnded({ outcome: rejected('circuit_open'), fallback: 'served' }), 0);

  const samples = await scrape(commands);

  const of = (labels: string) =>
    samples.get(`outrigger_requests_total{upstream="reviews",route="ratings",${labels}}`);
  assert.equal(of('outcome="success",code="200"'), 1000);
  assert.equal(of('outcome="failure",code="503"'), 1);
  assert.equal(of('outcome="cancelled",code="499"'), 1);
  assert.equal(of('outcome="fallback",code="200"'), 1);
});

test('requests that found no command are counted under empty labels', async () => {
  const commands = new Commands();
  commands.unrouted.requestRejected('unlisted_destination', 0);
  const refused = rejected('unlisted_destination');
  commands.unrouted.exchangeEnded(exchangeEnded({ outcome: refused, status: 403, totalMs: 0.2 }), 0);

  const samples = await scrape(commands);

  const labels = 'upstream="",route=""';
  assert.equal(samples.get(`outrigger_requests_total{${labels},outcome="rejected",code="403"}`), 1);
  assert.equal(samples.get(`outrigger_rejected_total{${labels},reason="unlisted_destination"}`), 1);
  assert.equal(samples.get(`outrigger_request_duration_seconds_count{${labels}}`), 1);
});

test('attempts, retries and refusals carry their reasons', async () => {
  const commands = new Commands();
  const book = commands.open(describeCommand('reviews'));
  for (const outcome of [
    success(200),
    success(200),
    failure('reset', false),
    failure('reset', false),
    clientGone,
  ]) {
    book.attemptStarted(0);
    book.attemptSettled(outcome, 1, 0);
  }
  book.retryStarted('reset', 0);
  book.retrySkipped('budget', 0);
  book.requestRejected('bulkhead_full', 0);

  const samples = await scrape(commands);

  const of = (name: string, labels: string) =>
    samples.get(`outrigger_${name}{upstream="reviews",route="",${labels}}`);
  assert.equal(of('attempts_total', 'outcome="success",reason=""'), 2);
  assert.equal(of('attempts_total', 'outcome="failure",reason="reset"'), 2);
  assert.equal(of('attempts_total', 'outcome="cancelled",reason="client_gone"'), 1);
  assert.equal(of('retries_total', 'reason="reset"'), 1);
  assert.equal(of('retries_skipped_total', 'reason="budget"'), 1);
  assert.equal(of('rejected_total', 'reason="bulkhead_full"'), 1);
});

test('durations fall into cumulative buckets whose bounds are inclusive', async () => {
  const commands = new Commands();
  const book = commands.open(describeCommand('reviews'));
  for (const totalMs of [0.5, 1, 1.5, 250, 90_000]) book.exchangeEnded(exchangeEnded({ totalMs }), 0);

  const samples = await scrape(commands);

  const name = 'outrigger_request_duration_seconds';
  const bucket = (le: string) => samples.get(`${name}_bucket{le="${le}",upstream="reviews",route=""}`);
  assert.deepEqual(['0.001', '0.0025', '0.1', '0.25', '60', '+Inf'].map(bucket), [2, 3, 3, 4, 4, 5]);
  assert.equal(samples.get(`${name}_count{upstream="reviews",route=""}`), 5);
  assert.ok(Math.abs(samples.get(`${name}_sum{upstream="reviews",route=""}`)! - 90.253) < 1e-9);
});

test('breaker states are numbers for listed commands and counts by state for unlisted ones', async () => {
  const commands = new Commands();
  commands.open(describeCommand('a', { status: { state: 'closed' } }));
  commands.open(describeCommand('b', { status: { state: 'half_open' } }));
  commands.open(describeCommand('c', { status: { state: 'open' } }));
  for (const name of ['x:80', 'y:80']) {
    commands.open(describeCommand(name, { isUnlisted: true, status: { state: 'open' } }));
  }

  const samples = await scrape(commands);

  const state = (labels: string) => samples.get(`outrigger_breaker_state{${labels}}`);
  assert.deepEqual(
    ['a', 'b', 'c'].map((name) => state(`upstream="${name}",route=""`)),
    [0, 1, 2],
  );
  assert.equal(state('upstream="unlisted",route="",state="open"'), 2);
  assert.equal(state('upstream="unlisted",route="",state="closed"'), 0);
});

test('a bulkhead is shown once, however many routes share it', async () => {
  const commands = new Commands();
  const shared = bulkheadView('reviews', { inFlight: 3, queued: 2 });
  const own = bulkheadView('reviews.slow', { inFlight: 1 });
  for (const [route, bulkhead] of [
    ['a', shared],
    ['b', shared],
    ['slow', own],
  ] as const) {
    commands.open(describeCommand(`reviews.${route}`, { upstream: 'reviews', route, bulkhead }));
  }
  for (const name of ['x:80', 'y:80']) {
    commands.open(describeCommand(name, { isUnlisted: true, bulkhead: bulkheadView(name, { inFlight: 4 }) }));
  }

  const samples = await scrape(commands);

  assert.equal(samples.get('outrigger_bulkhead_in_flight{upstream="reviews",route=""}'), 3);
  assert.equal(samples.get('outrigger_bulkhead_queued{upstream="reviews",route=""}'), 2);
  assert.equal(samples.get('outrigger_bulkhead_in_flight{upstream="reviews",route="slow"}'), 1);
  assert.equal(samples.get('outrigger_bulkhead_in_flight{upstream="reviews",route="a"}'), undefined);
  assert.equal(samples.get('outrigger_bulkhead_in_flight{upstream="unlisted",route=""}'), 8);
});

test('ten thousand unlisted destinations make no more series than one', async () => {
  const commands = new Commands();
  const use = (name: string) => {
    const book = commands.open(describeCommand(name, { upstream: name, isUnlisted: true }));
    book.exchangeEnded(exchangeEnded(), 0);
  };
  const ownSeries = async () =>
    [...(await scrape(commands)).keys()].filter((key) => key.startsWith('outrigger_'));
  use('host-0.example:80');
  const withOne = await ownSeries();

  for (let index = 1; index < 10_000; index += 1) use(`host-${index}.example:80`);

  assert.equal((await ownSeries()).length, withOne.length);
});

test('a page of many commands is made in parts: every series once, two formats at once, and the loop goes on between', async () => {
  const commands = new Commands();
  const names = Array.from({ length: 120 }, (_, index) => `c${index}`);
  for (const name of names) commands.open(describeCommand(name)).exchangeEnded(exchangeEnded(), 0);
  const metrics = new Metrics(sourceOf(commands));
  let turns = 0;
  let isDone = false;
  const turn = (): void => {
    turns += 1;
    if (!isDone) setImmediate(turn);
  };
  setImmediate(turn);

  const [text, openMetrics] = await Promise.all([
    metrics.page(''),
    metrics.page('application/openmetrics-text'),
  ]);
  isDone = true;

  for (const { text: page } of [text, openMetrics]) {
    const samples = parseExposition(page);
    for (const name of names) {
      const labels = `upstream="${name}",route=""`;
      assert.equal(samples.get(`outrigger_requests_total{${labels},outcome="success",code="200"}`), 1);
      assert.equal(samples.get(`outrigger_request_duration_seconds_count{${labels}}`), 1);
      assert.equal(samples.get(`outrigger_breaker_state{${labels}}`), 0);
    }
    const types = page.split('\n').filter((line) => line.startsWith('# TYPE '));
    assert.equal(new Set(types).size, types.length);
  }
  // Three parts of each of nine metrics of commands.
  assert.ok(turns > 27, `${turns} turns`);
});

test('every metric of the documentation is there, with process and event-loop metrics beside it', async () => {
  const { text } = await new Metrics(sourceOf(new Commands())).page('');

  const names =
    'requests_total request_duration_seconds attempts_total breaker_state breaker_transitions_total bulkhead_in_flight bulkhead_queued rejected_total retries_total retries_skipped_total retry_budget_tokens upstream_endpoints dns_lookups_total config_reloads_total config_last_reload_success build_info';
  for (const name of names.split(' ')) assert.ok(text.includes(`# TYPE outrigger_${name} `), name);
  const samples = parseExposition(text);
  assert.equal(samples.get('outrigger_retry_budget_tokens{upstream="reviews"}'), 7);
  assert.equal(samples.get('outrigger_upstream_endpoints{upstream="reviews",state="passed_over"}'), 1);
  assert.equal(samples.get('outrigger_dns_lookups_total{upstream="reviews",result="failed"}'), 2);
  assert.equal(text.includes('outrigger_dns_lookups_total{upstream="fixed"'), false);
  assert.equal(samples.get('outrigger_config_reloads_total{result="failure"}'), 1);
  assert.equal(samples.get('outrigger_config_last_reload_success'), 0);
  assert.equal(samples.get(`outrigger_build_info{version="1.2.3",node="${process.version}"}`), 1);
  assert.ok(samples.has('process_resident_memory_bytes'));
  assert.ok(samples.has('nodejs_eventloop_lag_p99_seconds'));
});

test('the first page knows the event loop already', async () => {
  const metrics = await startMetrics({ ...sourceOf(new Commands()), clock: systemClock });

  const samples = parseExposition((await metrics.page('')).text);

  for (const name of ['min', 'mean', 'stddev', 'p99', 'max']) {
    const seconds = samples.get(`nodejs_eventloop_lag_${name}_seconds`)!;
    // Before anything was measured: not a number, or 9.2e9.
    assert.ok(seconds >= 0 && seconds < 3600, `${name}: ${seconds}`);
  }
});

test('a scraper that prefers OpenMetrics gets it, and one that comes after it still gets plain text', async () => {
  const commands = new Commands();
  commands.open(describeCommand('reviews')).exchangeEnded(exchangeEnded(), 0);
  const metrics = new Metrics(sourceOf(commands));

  const openMetrics = await metrics.page('application/openmetrics-text;version=1.0.0,text/plain;q=0.5');
  const text = await metrics.page('text/plain');

  const sample = 'outrigger_requests_total{upstream="reviews",route="",outcome="success",code="200"} 1\n';
  assert.equal(openMetrics.contentType, 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  assert.ok(openMetrics.text.includes('# TYPE outrigger_requests counter\n'));
  assert.ok(openMetrics.text.includes('# TYPE outrigger_request_duration_seconds histogram\n'));
  assert.ok(openMetrics.text.includes(sample));
  assert.ok(openMetrics.text.endsWith('\n# EOF\n'));
  assert.equal(text.contentType, 'text/plain; version=0.0.4; charset=utf-8');
  assert.ok(text.text.includes('# TYPE outrigger_requests_total counter\n'));
  assert.ok(text.text.includes(sample));
  assert.ok(!text.text.includes('# EOF'));
});

for (const [accept, expected] of [
  ['', false],
  ['*/*', false],
  ['text/plain', false],
  ['application/openmetrics-text', true],
  [
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;q=0.3',
    true,
  ],
  ['text/plain;q=0.9,application/openmetrics-text;q=0.1', false],
  ['application/openmetrics-text;q=0', false],
] as const) {
  test(`Accept "${accept}" ${expected ? 'prefers' : 'does not prefer'} OpenMetrics`, () => {
    assert.equal(prefersOpenMetrics(accept), expected);
  });
}
