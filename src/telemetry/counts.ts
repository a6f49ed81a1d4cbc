import type { Reason } from '../policy/reason.ts';
import { reasons } from '../policy/reason.ts';

/** Every reason, in the table's order: what stands at a place in {@link ReasonCounts}. */
const reasonNames = Object.keys(reasons) as Reason[];

const reasonIndexes: Readonly<Record<string, number>> = Object.freeze(
  Object.fromEntries(reasonNames.map((name, index) => [name, index])),
);

/** Counts by reason. Nothing is allocated before the first one. */
export class ReasonCounts {
  #counts: Float64Array | null = null;

  add(reason: Reason): void {
    this.#counts ??= new Float64Array(reasonNames.length);
    const index = reasonIndexes[reason]!;
    this.#counts[index] = this.#counts[index]! + 1;
  }

  /** Every reason that was counted at least once. */
  *entries(): Generator<readonly [reason: Reason, count: number]> {
    if (this.#counts === null) return;
    for (const [index, count] of this.#counts.entries()) {
      if (count > 0) yield [reasonNames[index]!, count];
    }
  }
}

const codesPerPage = 100;
const pages = 6;

/** Counts by status 0–599, allocated a hundred at a time: most commands see one or two of the six. */
export class CodeCounts {
  readonly #pages: (Float64Array | null)[] = new Array(pages).fill(null);

  /** A status outside 0–599 is counted as 0. */
  add(status: number): void {
    const code = status >= 0 && status < pages * codesPerPage ? status : 0;
    const pageIndex = Math.trunc(code / codesPerPage);
    let page = this.#pages[pageIndex]!;
    if (page === null) {
      page = new Float64Array(codesPerPage);
      this.#pages[pageIndex] = page;
    }
    const place = code % codesPerPage;
    page[place] = page[place]! + 1;
  }

  /** Every status that was counted at least once. */
  *entries(): Generator<readonly [status: number, count: number]> {
    for (const [pageIndex, page] of this.#pages.entries()) {
      if (page === null) continue;
      for (const [place, count] of page.entries()) {
        if (count > 0) yield [pageIndex * codesPerPage + place, count];
      }
    }
  }
}

/** Upper bounds of the request-duration histogram in seconds, inclusive; beyond the last comes `+Inf`. */
export const durationBoundsSeconds: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
];

/** Durations counted into the fixed buckets of {@link durationBoundsSeconds}. */
export class DurationCounts {
  /** One place for each bound and one for what is longer; not cumulative. */
  readonly buckets = new Float64Array(durationBoundsSeconds.length + 1);
  sumSeconds = 0;
  count = 0;

  record(durationMs: number): void {
    const seconds = durationMs / 1000;
    let index = 0;
    while (index < durationBoundsSeconds.length && seconds > durationBoundsSeconds[index]!) index += 1;
    this.buckets[index] = this.buckets[index]! + 1;
    this.sumSeconds += seconds;
    this.count += 1;
  }
}
