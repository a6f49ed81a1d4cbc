import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ExchangeEnded } from '../../src/telemetry/events.ts';
import { percentile } from '../rig/percentile.ts';
import { nothing, Pipeline } from '../rig/pipeline.ts';
import type { ConfigText } from '../rig/sidecar.ts';
import { SimulatedQueue } from '../rig/simulated-queue.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

/** Requests per second that the service can do. */
const capacity = 200;
const slowCapacity = 60;

/** Twenty requests, ten of them in line, are 100 ms of work for the service. */
const sized = {
  timeout: { attempt: '500ms', total: '900ms' },
  bulkhead: { concurrency: 10, queue: 10, queueTimeout: '250ms' },
};

/** Calls `send` so many times a second while the clock goes on. */
const openLoop = (clock: VirtualClock, ratePerSecond: number, seconds: number, send: () => void): void => {
  for (let count = 0; count < ratePerSecond * seconds; count += 1) {
    send();
    clock.advance(1000 / ratePerSecond);
  }
};

/** The pipeline in front of a service with one worker. */
const inFrontOfQueue = (policies: ConfigText) => {
  const pipeline = new Pipeline(policies);
  const service = new SimulatedQueue(pipeline.clock, 1000 / capacity);
  pipeline.transport.onStart = (attempt) => {
    attempt.connect();
    service.take(() => {
      if (attempt.state === 'started') attempt.answer(200);
    });
  };
  /** What ended while this load lasted. */
  const load = (ratePerSecond: number, seconds: number): readonly ExchangeEnded[] => {
    const before = pipeline.log.length;
    openLoop(pipeline.clock, ratePerSecond, seconds, () => pipeline.request());
    return pipeline.log.slice(before);
  };
  return { pipeline, service, load };
};

const served = (ended: readonly ExchangeEnded[]): readonly ExchangeEnded[] =>
  ended.filter(({ status }) => status === 200);

for (const factor of [1, 2, 3]) {
  test(`offered ${factor} times what the upstream can do, it still does nine tenths of that, each in 250 ms`, () => {
    const { pipeline, load } = inFrontOfQueue(sized);

    const ended = load(capacity * factor, 5);

    const good = served(ended);
    assert.ok(good.length >= capacity * 5 * 0.9, `${good.length} of ${capacity * 5}`);
    const p99 = percentile(
      good.map(({ totalMs }) => totalMs),
      99,
    );
    assert.ok(p99 <= 250, `p99 ${p99} ms`);
    pipeline.clock.advance(1000);
    assert.deepEqual(pipeline.held, nothing);
  });
}

test('who cannot be served in time is told so at once', () => {
  const { load } = inFrontOfQueue(sized);

  const refused = load(capacity * 3, 2).filter(({ status }) => status !== 200);

  assert.ok(refused.length > 0);
  for (const { reason, totalMs } of refused) assert.deepEqual([reason, totalMs], ['bulkhead_full', 0]);
});

test('an upstream that slows for ten seconds is kept as busy as it can be, and all is well when it is healthy', () => {
  const { service, load } = inFrontOfQueue(sized);
  load(140, 5);

  service.serviceMs = 1000 / slowCapacity;
  const during = served(load(140, 10));
  service.serviceMs = 1000 / capacity;
  load(140, 1);
  const after = load(140, 5);

  assert.ok(Math.abs(during.length / 10 / slowCapacity - 1) <= 0.1, `${during.length / 10}/s`);
  assert.equal(served(after).length, after.length);
});

test('a load that triples for ten seconds takes nothing from the usual load that follows', () => {
  const { load } = inFrontOfQueue(sized);
  load(140, 5);

  const during = served(load(420, 10));
  load(140, 1);
  const after = load(140, 5);

  assert.ok(during.length >= capacity * 10 * 0.9, `${during.length / 10}/s`);
  assert.equal(served(after).length, after.length);
});

test('where no bulkhead holds the line, the breaker gives the upstream the rest that it needs to stand up', () => {
  const { service, load } = inFrontOfQueue({
    timeout: { attempt: '500ms', total: '900ms' },
    bulkhead: { concurrency: 'unlimited' },
  });
  load(140, 5);
  service.serviceMs = 1000 / slowCapacity;
  const during = load(140, 10);
  service.serviceMs = 1000 / capacity;

  // The breaker's sleep of 5 s, and as long again.
  load(140, 10);
  const after = load(140, 5);

  assert.ok(during.some(({ reason }) => reason === 'circuit_open'));
  assert.equal(served(after).length, after.length);
});

test('without any of this, clients that try again at once keep the same upstream down for good', () => {
  const clock = new VirtualClock();
  const service = new SimulatedQueue(clock, 1000 / capacity);
  let good = 0;
  const call = (triesLeft: number): void => {
    let isOver = false;
    const patience = clock.after(500, () => {
      isOver = true;
      if (triesLeft > 1) call(triesLeft - 1);
    });
    service.take(() => {
      if (isOver) return;
      patience.cancel();
      good += 1;
    });
  };
  openLoop(clock, 140, 5, () => call(4));
  assert.ok(good >= 695, `${good} good while all is well`);

  service.serviceMs = 1000 / slowCapacity;
  openLoop(clock, 140, 10, () => call(4));
  service.serviceMs = 1000 / capacity;
  good = 0;
  openLoop(clock, 140, 30, () => call(4));

  assert.equal(good, 0);
});
