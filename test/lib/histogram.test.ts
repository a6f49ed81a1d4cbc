import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Histogram, RollingHistogram } from '../../src/lib/histogram.ts';

const recorded = (durations: readonly number[]): Histogram => {
  const histogram = new Histogram();
  for (const ms of durations) histogram.record(ms);
  return histogram;
};

test('an empty histogram reads 0 everywhere', () => {
  const histogram = new Histogram();
  assert.deepEqual(
    [0, 50, 100].map((p) => histogram.percentile(p)),
    [0, 0, 0],
  );
  assert.equal(histogram.mean, 0);
  assert.equal(histogram.count, 0);
});

test('minimum, maximum, mean and count are exact', () => {
  const histogram = recorded([3.3, 1000.7, 42]);
  assert.equal(histogram.percentile(0), 3.3);
  assert.equal(histogram.percentile(100), 1000.7);
  assert.equal(histogram.count, 3);
  assert.ok(Math.abs(histogram.mean - 1046 / 3) < 1e-9);
});

test('a percentile is the nearest rank, at most 1.6 % off', () => {
  const durations = fc.array(fc.double({ min: 0, max: 1_000_000, noNaN: true }), {
    minLength: 1,
    maxLength: 300,
  });
  fc.assert(
    fc.property(durations, fc.double({ min: 0, max: 100, noNaN: true }), (values, percent) => {
      const sorted = values.toSorted((a, b) => a - b);
      const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
      const exact = sorted[rank - 1]!;
      const found = recorded(values).percentile(percent);
      assert.ok(Math.abs(found - exact) <= Math.max(exact / 64, 1 / 64) + 1e-9, `${found} for ${exact}`);
    }),
    { numRuns: 1000 },
  );
});

test('what does not fit still counts: below zero as 0, beyond 17 minutes at the end', () => {
  const histogram = recorded([-5, 2 ** 30, Number.POSITIVE_INFINITY]);
  assert.equal(histogram.percentile(0), 0);
  assert.equal(histogram.percentile(100), Number.POSITIVE_INFINITY);
  assert.equal(histogram.count, 3);
});

test('a merge equals recording everything in one', () => {
  const durations = fc.array(fc.double({ min: 0, max: 20_000, noNaN: true }), { maxLength: 100 });
  fc.assert(
    fc.property(durations, durations, (left, right) => {
      const merged = recorded(left);
      merged.merge(recorded(right));
      const whole = recorded([...left, ...right]);
      for (const p of [0, 25, 50, 90, 99, 100]) assert.equal(merged.percentile(p), whole.percentile(p));
      assert.equal(merged.count, whole.count);
    }),
  );
});

test('a reset leaves nothing behind', () => {
  const histogram = recorded([500, 700]);
  histogram.reset();
  assert.equal(histogram.percentile(100), 0);
  histogram.record(2);
  assert.equal(histogram.percentile(99), 2);
});

const p50 = (rolling: RollingHistogram, now: number): number => {
  const merged = new Histogram();
  rolling.mergeInto(merged, now);
  return merged.percentile(50);
};

test('the rolling histogram merges its buckets and shows the one in progress', () => {
  const rolling = new RollingHistogram(60_000, 6);
  rolling.record(10, 0);
  rolling.record(10, 25_000);
  rolling.record(300, 59_000);
  assert.equal(p50(rolling, 59_000), middle(10));
  // The first bucket has left: one 10 and one 300 remain, and the lower is the median.
  assert.equal(p50(rolling, 69_000), middle(10));
  // Then the second.
  assert.equal(p50(rolling, 89_000), 300);
});

test('after an idle window the rolling histogram reads 0', () => {
  const rolling = new RollingHistogram(60_000, 6);
  rolling.record(10, 5_000);
  assert.equal(p50(rolling, 65_000), 0);
});

test('a clock that goes back does not lose the rolling histogram', () => {
  const rolling = new RollingHistogram(60_000, 6);
  rolling.record(10, 50_000);
  rolling.record(10, 1_000);
  const merged = new Histogram();
  rolling.mergeInto(merged, 50_000);
  assert.equal(merged.count, 2);
});

/** What a histogram answers for a duration that is neither its least nor its greatest. */
const middle = (ms: number): number => recorded([0, ms, 10_000]).percentile(50);

test('percentiles read in one walk are those read one by one', () => {
  const percents = [0, 25, 50, 75, 90, 95, 99, 99.5, 100];
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 3_000_000, noNaN: true }), { maxLength: 100 }),
      (values) => {
        const histogram = recorded(values);

        assert.deepEqual(
          histogram.percentiles(percents),
          percents.map((percent) => histogram.percentile(percent)),
        );
      },
    ),
  );
});

test('whenever it is read, the rolling histogram holds what was recorded within its window', () => {
  const step = fc.record({
    afterMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 900 })),
    ms: fc.integer({ min: 0, max: 100 }),
    isRead: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const rolling = new RollingHistogram(600, 6);
      const all: { readonly bucket: number; readonly ms: number }[] = [];
      let now = 0;
      let lastChanges = -1;
      let lastRead: readonly number[] = [];
      for (const { afterMs, ms, isRead } of steps) {
        now += afterMs;
        if (!isRead) {
          rolling.record(ms, now);
          all.push({ bucket: Math.floor(now / 100), ms });
          continue;
        }
        const changes = rolling.changes(now);
        const read = new Histogram();
        rolling.mergeInto(read, now);
        const held = all.filter(({ bucket }) => bucket > Math.floor(now / 100) - 6).map(({ ms }) => ms);
        const figures = [read.count, read.sum, read.percentile(0), read.percentile(50), read.percentile(100)];
        const expected = recorded(held);
        assert.deepEqual(figures, [
          held.length,
          expected.sum,
          expected.percentile(0),
          expected.percentile(50),
          expected.percentile(100),
        ]);
        if (changes === lastChanges) assert.deepEqual(figures, lastRead, 'it said that nothing had changed');
        lastChanges = changes;
        lastRead = figures;
      }
    }),
    { numRuns: 500 },
  );
});
