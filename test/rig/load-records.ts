import { percentile } from './percentile.ts';

/** What became of one request. */
export interface LoadRecord {
  /** When it was due, in ms after the load began. */
  readonly dueMs: number;
  /** From then to its end: also what it waited because the generator was late. */
  readonly tookMs: number;
  /** How late it left, and is contained in `tookMs`: what the generator, or a busy machine, adds to every figure. */
  readonly lateMs: number;
  /** Status, error code, `timeout`, `incomplete`, or `not_sent` where too many were under way. */
  readonly result: string;
}

/** One second of a load, by the time at which its requests were due. */
export interface LoadSecond {
  readonly second: number;
  readonly offered: number;
  /** Answered with 200 within the deadline. */
  readonly good: number;
  /** How often each result was seen. */
  readonly results: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** The requests of a load, or of a part of its time. */
export class LoadRecords {
  readonly records: readonly LoadRecord[];
  /** An answer with 200 that comes later than this is worth nothing. */
  readonly deadlineMs: number;

  constructor(records: readonly LoadRecord[], deadlineMs: number) {
    this.records = records;
    this.deadlineMs = deadlineMs;
  }

  get offered(): number {
    return this.records.length;
  }

  get good(): number {
    return this.records.filter((record) => this.isGood(record)).length;
  }

  /** Share of the good ones, 0 to 1; NaN without any request. */
  get goodRatio(): number {
    return this.good / this.offered;
  }

  /** How often each result was seen. */
  get results(): Record<string, number> {
    const results: Record<string, number> = {};
    for (const { result } of this.records) results[result] = (results[result] ?? 0) + 1;
    return results;
  }

  /** Those due in this time; the end is not included. */
  between(fromMs: number, toMs: number): LoadRecords {
    const meant = this.records.filter(({ dueMs }) => dueMs >= fromMs && dueMs < toMs);
    return new LoadRecords(meant, this.deadlineMs);
  }

  /** Those with one of these results. */
  with(...results: string[]): LoadRecords {
    const meant = this.records.filter(({ result }) => results.includes(result));
    return new LoadRecords(meant, this.deadlineMs);
  }

  percentileMs(percent: number): number {
    const times = this.records.map(({ tookMs }) => tookMs);
    return percentile(times, percent);
  }

  /** Of how late the requests left. */
  latenessMs(percent: number): number {
    const times = this.records.map(({ lateMs }) => lateMs);
    return percentile(times, percent);
  }

  /**
   * How long after `fromMs` the load was well again: from then on at least `ratio` of the requests of the next `forMs` were
   * good. Infinity: never.
   */
  recoveryMs(fromMs: number, forMs: number, ratio: number): number {
    const end = this.records.at(-1)?.dueMs ?? 0;
    for (let from = fromMs; from + forMs <= end; from += 100) {
      if (this.between(from, from + forMs).goodRatio >= ratio) return from - fromMs;
    }
    return Number.POSITIVE_INFINITY;
  }

  seconds(): LoadSecond[] {
    const count = Math.ceil((this.records.at(-1)?.dueMs ?? -1) / 1000 + 0.001);
    return Array.from({ length: Math.max(0, count) }, (_, second) => {
      const part = this.between(second * 1000, second * 1000 + 1000);
      const { offered, good, results } = part;
      return { second, offered, good, results, p50Ms: part.percentileMs(50), p99Ms: part.percentileMs(99) };
    });
  }

  isGood({ result, tookMs }: LoadRecord): boolean {
    return result === '200' && tookMs <= this.deadlineMs;
  }
}
