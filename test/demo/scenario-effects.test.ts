import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { type RunningShop, scenarioNamed, startShop } from './running-shop.ts';

/** Takes the next step of a scenario each time it is called. */
const stepsOf = ({ shop }: RunningShop, name: string): (() => void) => {
  const { steps } = scenarioNamed(name);
  let next = 0;
  return () => {
    steps[next]!.act(shop);
    next += 1;
  };
};

/** So many calls have ended; asked once for each command. */
const callsTo = async ({ sidecar }: RunningShop, upstream: string, count: number): Promise<void> => {
  await eventually(
    `${count} calls to ${upstream}`,
    async () => (await sidecar.metric('requests_total', { upstream })) >= count,
  );
};

test('while nothing is wrong, every call goes well', async (t) => {
  // At its real pace: a fifth of the time that makes an answer slow would soon be over on a busy machine.
  const running = await startShop(t, 1);
  await callsTo(running, 'search', 20);

  for (const command of [
    'catalogue',
    'catalogue.prices',
    'recommendations',
    'payments',
    'stock',
    'reviews',
  ]) {
    const { made, good } = running.shop.traffic.takeTally(command);
    assert.ok(made > 0, command);
    assert.equal(good, made, command);
  }
});

test('slow: the breaker of recommendations opens for slow answers, and a probe closes it', async (t) => {
  const running = await startShop(t);
  await callsTo(running, 'recommendations', 10);
  const step = stepsOf(running, 'slow');

  step();
  const opened = await running.breaker('recommendations', 'open');
  step();
  await running.breaker('recommendations', 'closed');

  assert.match(String(opened['why']), /took longer than/);
  const refused = { upstream: 'recommendations', reason: 'circuit_open' };
  assert.ok((await running.sidecar.metric('rejected_total', refused)) > 0);
});

test('flaky: retries make up for a share of failures; when nearly all fail, the breaker opens', async (t) => {
  const running = await startShop(t);
  const step = stepsOf(running, 'flaky');
  await callsTo(running, 'payments', 30);
  running.shop.traffic.takeTally('payments');

  step();
  await callsTo(running, 'payments', 90);
  const { made, good } = running.shop.traffic.takeTally('payments');
  const retries = await running.sidecar.metric('retries_total', { upstream: 'payments' });
  const changes = running.changesOf('payments');
  step();
  await running.breaker('payments', 'open');
  step();
  await running.breaker('payments', 'closed');

  assert.ok(retries >= 5, `${retries} retries`);
  assert.ok(good / made > 0.85, `${good} of ${made}`);
  assert.deepEqual(changes, []);
});

test('dead-endpoint: one endpoint of stock is passed over and comes back, and no call fails', async (t) => {
  const running = await startShop(t);
  const endpoint = running.shop.variables['DEMO_STOCK_2'];
  const step = stepsOf(running, 'dead-endpoint');
  await callsTo(running, 'stock', 10);

  step();
  await running.line({ event: 'endpoint.changed', endpoint, change: 'passed_over' });
  step();
  await running.line({ event: 'endpoint.changed', endpoint, change: 'available' });

  assert.equal(await running.sidecar.metric('requests_total', { upstream: 'stock', outcome: 'failure' }), 0);
  assert.deepEqual(running.changesOf('stock'), []);
});

test('outage: both breakers of reviews open and close again, and ratings have their fallback', async (t) => {
  const running = await startShop(t);
  const step = stepsOf(running, 'outage');

  step();
  await Promise.all([running.breaker('reviews', 'open'), running.breaker('reviews.ratings', 'open')]);
  step();
  await Promise.all([running.breaker('reviews', 'closed'), running.breaker('reviews.ratings', 'closed')]);

  const answered = { upstream: 'reviews', route: 'ratings', outcome: 'fallback', code: '200' };
  assert.ok((await running.sidecar.metric('requests_total', answered)) > 0);
  const ratings = running.shop.traffic.takeTally('reviews.ratings');
  assert.equal(ratings.good, ratings.made);
});

test('overload: the bulkhead of search refuses what is too much, and the breaker stays closed', async (t) => {
  // At its real pace: a busy machine could not make five times as many calls, and nobody would be asked too much.
  const running = await startShop(t, 1);
  const step = stepsOf(running, 'overload');

  step();
  const refused = { upstream: 'search', reason: 'bulkhead_full' };
  await eventually(
    'search is refused',
    async () => (await running.sidecar.metric('rejected_total', refused)) > 10,
  );
  step();
  await running.sidecar.metricIs('bulkhead_queued', { upstream: 'search' }, 0);

  assert.ok((await running.sidecar.metric('requests_total', { upstream: 'search', outcome: 'success' })) > 0);
  assert.deepEqual(running.changesOf('search'), []);
});
