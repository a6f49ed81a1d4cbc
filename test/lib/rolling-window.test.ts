import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RollingMax, RollingWindow } from '../../src/lib/rolling-window.ts';

const WINDOW_MS = 200;
const BUCKETS = 10;
const BUCKET_MS = WINDOW_MS / BUCKETS;

test('the bucket in progress counts at once', () => {
  const window = new RollingWindow(WINDOW_MS, BUCKETS, 1);
  window.add(0, 5);
  assert.equal(window.sum(0, 5), 1);
});

test('events on both sides of a short gap are both in the window', () => {
  const window = new RollingWindow(WINDOW_MS, BUCKETS, 1);
  window.add(0, 0);
  window.add(0, 4 * BUCKET_MS);
  assert.equal(window.sum(0, 4 * BUCKET_MS), 2);
});

test('after a gap longer than the window only the new event counts', () => {
  const window = new RollingWindow(WINDOW_MS, BUCKETS, 1);
  window.add(0, 0);
  window.add(0, 50 * WINDOW_MS);
  assert.equal(window.sum(0, 50 * WINDOW_MS), 1);
});

test('after one idle window nothing is left', () => {
  const window = new RollingWindow(WINDOW_MS, BUCKETS, 1);
  window.add(0, 19);
  assert.equal(window.sum(0, 19 + WINDOW_MS), 0);
});

test('buckets leave one by one', () => {
  const window = new RollingWindow(WINDOW_MS, BUCKETS, 1);
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) window.add(0, bucket * BUCKET_MS);
  const left = Array.from({ length: BUCKETS + 1 }, (_, step) =>
    window.sum(0, (BUCKETS - 1 + step) * BUCKET_MS),
  );
  assert.deepEqual(left, [10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
});

test('a clock that goes back keeps the bucket it was in', () => {
  const window = new RollingWindow(WINDOW_MS, BUCKETS, 1);
  window.add(0, 1000);
  window.add(0, 10);
  assert.equal(window.sum(0, 1000), 2);
  assert.equal(window.sum(0, 1000 + WINDOW_MS), 0);
});

test('slots are counted apart, and a reset empties all of them', () => {
  const window = new RollingWindow(WINDOW_MS, BUCKETS, 2);
  window.add(0, 0);
  window.add(1, 0);
  window.add(1, 30);
  assert.deepEqual([window.sum(0, 30), window.sum(1, 30)], [1, 2]);
  window.reset(30);
  window.add(1, 30);
  assert.deepEqual([window.sum(0, 30), window.sum(1, 30)], [0, 1]);
});

test('the running totals equal a recount, whatever the steps of the clock and the length of the window', () => {
  const steps = fc.array(fc.record({ stepMs: fc.nat(120), slot: fc.nat(2) }), { maxLength: 200 });
  fc.assert(
    fc.property(
      fc.integer({ min: 10, max: 500 }),
      fc.integer({ min: 1, max: 12 }),
      steps,
      (windowMs, buckets, events) => {
        const window = new RollingWindow(windowMs, buckets, 3);
        const bucketOf = (at: number) => Math.floor(at / (windowMs / buckets));
        const seen: { at: number; slot: number }[] = [];
        let now = 0;
        for (const { stepMs, slot } of events) {
          now += stepMs;
          window.add(slot, now);
          seen.push({ at: now, slot });
          const expected = seen.filter(
            (e) => e.slot === slot && bucketOf(e.at) > bucketOf(now) - buckets,
          ).length;
          assert.equal(window.sum(slot, now), expected);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('the rolling maximum is the highest of its buckets', () => {
  const max = new RollingMax(WINDOW_MS, BUCKETS);
  [10, 30, 40, 15].forEach((value, bucket) => {
    max.record(value, bucket * BUCKET_MS);
  });
  assert.equal(max.max(3 * BUCKET_MS), 40);
  // The bucket of the 40 leaves, then that of the 15.
  assert.equal(max.max(12 * BUCKET_MS), 15);
  assert.equal(max.max(13 * BUCKET_MS), 0);
});

test('a gap in the rolling maximum reads as nothing', () => {
  const max = new RollingMax(WINDOW_MS, BUCKETS);
  max.record(30, 0);
  max.record(50, 3 * BUCKET_MS);
  assert.equal(max.max(3 * BUCKET_MS), 50);
  max.record(5, 40 * BUCKET_MS);
  assert.equal(max.max(40 * BUCKET_MS), 5);
  max.reset(40 * BUCKET_MS);
  assert.equal(max.max(40 * BUCKET_MS), 0);
});
