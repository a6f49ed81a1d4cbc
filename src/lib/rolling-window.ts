import { BucketRing } from './bucket-ring.ts';

/**
 * Counts of the last `windowMs`, several kinds side by side (`slots`). Adding and reading cost the same however much is
 * in the window; only a change of bucket costs a step for each bucket that left. Like Hystrix's rolling number, but the
 * bucket in progress counts at once and the length need not be a multiple of the buckets.
 */
export class RollingWindow {
  readonly #ring: BucketRing;
  readonly #slots: number;
  readonly #counts: Uint32Array;
  readonly #totals: Float64Array;
  #head = 0;

  constructor(windowMs: number, buckets: number, slots: number) {
    this.#ring = new BucketRing(windowMs, buckets);
    this.#slots = slots;
    this.#counts = new Uint32Array(buckets * slots);
    this.#totals = new Float64Array(slots);
  }

  /** Counts one in `slot` (0 ≤ slot < slots). */
  add(slot: number, now: number): void {
    if (!this.#ring.isCurrent(now)) this.#advance(now);
    this.#counts[this.#head + slot]! += 1;
    this.#totals[slot]! += 1;
  }

  /** What `slot` counted within the window that ends now. */
  sum(slot: number, now: number): number {
    if (!this.#ring.isCurrent(now)) this.#advance(now);
    return this.#totals[slot]!;
  }

  /** Forgets everything. */
  reset(now: number): void {
    this.#advance(now);
    this.#counts.fill(0);
    this.#totals.fill(0);
  }

  #advance(now: number): void {
    const buckets = this.#ring.buckets;
    const begun = this.#ring.advance(now);
    const head = this.#ring.head;
    for (let step = begun - 1; step >= 0; step -= 1) {
      this.#clear(((head - step + buckets) % buckets) * this.#slots);
    }
    this.#head = head * this.#slots;
  }

  #clear(start: number): void {
    for (let slot = 0; slot < this.#slots; slot += 1) {
      this.#totals[slot]! -= this.#counts[start + slot]!;
      this.#counts[start + slot] = 0;
    }
  }
}

/**
 * The highest value of the last `windowMs`: what the concurrency was at its worst. Each bucket keeps its own maximum
 * (Hystrix's rolling max); reading costs a step for each bucket. 0 while nothing was recorded.
 */
export class RollingMax {
  readonly #ring: BucketRing;
  readonly #highest: Float64Array;
  #head = 0;

  constructor(windowMs: number, buckets: number) {
    this.#ring = new BucketRing(windowMs, buckets);
    this.#highest = new Float64Array(buckets);
  }

  /** `value` ≥ 0. */
  record(value: number, now: number): void {
    if (!this.#ring.isCurrent(now)) this.#advance(now);
    if (value > this.#highest[this.#head]!) this.#highest[this.#head] = value;
  }

  max(now: number): number {
    if (!this.#ring.isCurrent(now)) this.#advance(now);
    let highest = 0;
    for (let bucket = 0; bucket < this.#highest.length; bucket += 1) {
      highest = Math.max(highest, this.#highest[bucket]!);
    }
    return highest;
  }

  /** Forgets everything. */
  reset(now: number): void {
    this.#advance(now);
    this.#highest.fill(0);
  }

  #advance(now: number): void {
    const buckets = this.#ring.buckets;
    const begun = this.#ring.advance(now);
    this.#head = this.#ring.head;
    for (let step = begun - 1; step >= 0; step -= 1) {
      this.#highest[(this.#head - step + buckets) % buckets] = 0;
    }
  }
}
