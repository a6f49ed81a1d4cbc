/** How many seconds are remembered. */
export const historySeconds = 120;

/** How a request ended, for the app: one of these counts it. */
export const historyKinds = ['requests', 'failed', 'refused', 'fallback'] as const;

/** Requests of each of the last {@link historySeconds} full seconds by how they ended, oldest first. */
export type HistoryFigures = Readonly<Record<(typeof historyKinds)[number], readonly number[]>>;

/** One more than is told of: the second in progress. */
const places = historySeconds + 1;

/**
 * What a command's requests came to, second by second, for the two minutes that a chart shows to somebody who opens it
 * now. Counting writes into a typed array; there is no timer.
 */
export class CommandHistory {
  readonly #counts = new Uint32Array(places * historyKinds.length);
  /** The second in progress, counted from the clock's zero. */
  #second = Number.NEGATIVE_INFINITY;

  /** Counts a request that ended; `kind` is the place in {@link historyKinds} of what it is counted as beside a request; 0: nothing more. */
  count(kind: number, now: number): void {
    this.#advance(now);
    const place = (this.#second % places) * historyKinds.length;
    this.#counts[place]! += 1;
    if (kind > 0) this.#counts[place + kind]! += 1;
  }

  /** The seconds that ended before that of `now`; null when none of them holds anything. */
  read(now: number): HistoryFigures | null {
    this.#advance(now);
    const series = historyKinds.map((_, kind) => {
      const values = new Array<number>(historySeconds);
      for (let i = 0; i < historySeconds; i += 1) {
        // The place after the second in progress holds the oldest one.
        values[i] = this.#counts[((this.#second + 1 + i) % places) * historyKinds.length + kind]!;
      }
      return values;
    });
    const [requests = [], failed = [], refused = [], fallback = []] = series;
    return requests.some((count) => count > 0) ? { requests, failed, refused, fallback } : null;
  }

  #advance(now: number): void {
    const second = Math.floor(now / 1000);
    if (second <= this.#second) return;
    const begun = Math.min(second - this.#second, places);
    for (let step = 0; step < begun; step += 1) {
      const place = ((second - step) % places) * historyKinds.length;
      this.#counts.fill(0, place, place + historyKinds.length);
    }
    this.#second = second;
  }
}
