/**
 * Which bucket of a ring the time is in. Buckets are counted from the clock's zero, so that all windows of one length
 * turn over together. The bucket in progress belongs to the window; with it a window of n buckets covers between n − 1
 * and n bucket lengths. A clock that goes back keeps the bucket it was in.
 */
export class BucketRing {
  readonly buckets: number;
  readonly #bucketMs: number;
  /** The bucket in progress, counted from the clock's zero. */
  #index = Number.NEGATIVE_INFINITY;
  #endsAt = Number.NEGATIVE_INFINITY;

  constructor(windowMs: number, buckets: number) {
    this.buckets = buckets;
    this.#bucketMs = windowMs / buckets;
  }

  isCurrent(now: number): boolean {
    return now < this.#endsAt;
  }

  /** Goes to the bucket of `now`; returns how many buckets were begun on the way, at most all of them. */
  advance(now: number): number {
    const index = Math.floor(now / this.#bucketMs);
    const begun = Math.min(index - this.#index, this.buckets);
    if (begun <= 0) return 0;
    this.#index = index;
    this.#endsAt = (index + 1) * this.#bucketMs;
    return begun;
  }

  /** Place of the bucket in progress. */
  get head(): number {
    return ((this.#index % this.buckets) + this.buckets) % this.buckets;
  }
}
