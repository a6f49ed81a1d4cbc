import { Histogram, RollingHistogram } from '../lib/histogram.ts';
import { RollingMax, RollingWindow } from '../lib/rolling-window.ts';
import type { LatencyFigures, RollingFigures } from './command-figures.ts';
import { latencyPercents } from './command-figures.ts';

/** Places in the rolling window of a command. */
export const activitySlots = {
  success: 0,
  failure: 1,
  timeout: 2,
  badRequest: 3,
  cancelled: 4,
  shortCircuited: 5,
  bulkheadRejected: 6,
  otherRejected: 7,
  fallbackSuccess: 8,
  fallbackRejected: 9,
  fallbackMissing: 10,
  retries: 11,
} as const;

const slotCount = Object.keys(activitySlots).length;
const rollingBuckets = 10;
const latencyWindowMs = 60_000;
const latencyBuckets = 6;

/** What a command that was never used shows. */
export const noActivity = {
  rolling: {
    success: 0,
    failure: 0,
    timeout: 0,
    badRequest: 0,
    cancelled: 0,
    shortCircuited: 0,
    bulkheadRejected: 0,
    otherRejected: 0,
    fallbackSuccess: 0,
    fallbackRejected: 0,
    fallbackMissing: 0,
    retries: 0,
  } satisfies RollingFigures,
  latency: { count: 0, mean: 0, percentiles: latencyPercents.map(() => 0) } satisfies LatencyFigures,
};

/** Windows are merged in here to be read; nobody keeps it. */
const scratch = new Histogram();

/** How long something took within the last minute. What was read is kept until there is something new to read. */
class LatencyWindow {
  readonly #histogram = new RollingHistogram(latencyWindowMs, latencyBuckets);
  #figures: LatencyFigures = noActivity.latency;
  #changes = 0;

  record(ms: number, now: number): void {
    this.#histogram.record(ms, now);
  }

  read(now: number): LatencyFigures {
    const changes = this.#histogram.changes(now);
    if (changes !== this.#changes) this.#figures = this.#merge(now);
    this.#changes = changes;
    return this.#figures;
  }

  #merge(now: number): LatencyFigures {
    scratch.reset();
    this.#histogram.mergeInto(scratch, now);
    if (scratch.count === 0) return noActivity.latency;
    return {
      count: scratch.count,
      mean: scratch.mean,
      percentiles: scratch.percentiles(latencyPercents),
    };
  }
}

/**
 * The windows of a command that is in use: 10 buckets over the breaker's window for counts (Hystrix: 10 of 1 s), 6 of
 * 10 s for latencies. A command gets one at its first event, since a thousand idle ones should cost next to nothing.
 */
export class CommandActivity {
  readonly windowMs: number;
  readonly counts: RollingWindow;
  readonly inFlight: RollingMax;
  readonly bulkheadInFlight: RollingMax;
  readonly execute = new LatencyWindow();
  readonly total = new LatencyWindow();

  constructor(windowMs: number) {
    this.windowMs = windowMs;
    this.counts = new RollingWindow(windowMs, rollingBuckets, slotCount);
    this.inFlight = new RollingMax(windowMs, rollingBuckets);
    this.bulkheadInFlight = new RollingMax(windowMs, rollingBuckets);
  }

  rolling(now: number): RollingFigures {
    const sum = (slot: number) => this.counts.sum(slot, now);
    return {
      success: sum(activitySlots.success),
      failure: sum(activitySlots.failure),
      timeout: sum(activitySlots.timeout),
      badRequest: sum(activitySlots.badRequest),
      cancelled: sum(activitySlots.cancelled),
      shortCircuited: sum(activitySlots.shortCircuited),
      bulkheadRejected: sum(activitySlots.bulkheadRejected),
      otherRejected: sum(activitySlots.otherRejected),
      fallbackSuccess: sum(activitySlots.fallbackSuccess),
      fallbackRejected: sum(activitySlots.fallbackRejected),
      fallbackMissing: sum(activitySlots.fallbackMissing),
      retries: sum(activitySlots.retries),
    };
  }
}
