import { failureStatus, ignoredSuccess, type Outcome, success } from './outcome.ts';
import type { FailureSettings, StatusRange } from './policies.ts';

const isIn = (status: number, ranges: readonly StatusRange[]): boolean =>
  ranges.some((range) => status >= range.from && status <= range.to);

/** By status, once for all: there are as many as answers can have, however many routes tell them apart. */
const failures = Array.from({ length: 600 }, (_, status) => Object.freeze(failureStatus(status, -1)));

/**
 * What the status of an answer means for the breaker: one lookup in a table of 5 KiB. Routes that say the same of failures
 * share one.
 */
export class Classifier {
  readonly #outcomes: readonly Outcome[];

  /** A status in both lists is ignored: `ignore` is the exception that somebody wrote down. */
  constructor(settings: FailureSettings) {
    this.#outcomes = Array.from({ length: 600 }, (_, status) => {
      if (isIn(status, settings.ignore)) return ignoredSuccess(status);
      return isIn(status, settings.status) ? failures[status]! : success(status);
    });
  }

  /** `retryAfterMs` of the answer, or -1. A status beyond 599 is a failure (RFC 9110, section 15). */
  classify(status: number, retryAfterMs: number): Outcome {
    const outcome = this.#outcomes[status];
    if (outcome === undefined || (outcome.kind === 'failure' && retryAfterMs >= 0)) {
      return failureStatus(status, retryAfterMs);
    }
    return outcome;
  }
}

/** Longer waits are taken as this: nobody who asks for a day means our client. */
export const MAX_RETRY_AFTER_MS = 3_600_000;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const MONTH = `(?<month>${MONTHS.join('|')})`;
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const LONG_DAY = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)';
const TIME = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)';

/** The three forms of HTTP-date (RFC 9110, section 5.6.7): the one to send, and two that must still be understood. */
const DATE_FORMS = [
  new RegExp(`^${DAY}, (?<day>\\d\\d) ${MONTH} (?<year>\\d{4}) ${TIME} GMT$`),
  new RegExp(`^${LONG_DAY}, (?<day>\\d\\d)-${MONTH}-(?<year>\\d\\d) ${TIME} GMT$`),
  new RegExp(`^${DAY} ${MONTH} (?<day>\\d\\d| \\d) ${TIME} (?<year>\\d{4})$`),
];

/** A year of two digits that seems more than fifty years ahead is the last one in the past that ends like it. */
const fullYear = (year: string, wallNow: number): number => {
  if (year.length === 4) return Number(year);
  const thisYear = new Date(wallNow).getUTCFullYear();
  const sameCentury = thisYear - (thisYear % 100) + Number(year);
  return sameCentury > thisYear + 50 ? sameCentury - 100 : sameCentury;
};

/** Epoch ms of an HTTP-date; NaN where it is none. */
const parseHttpDate = (value: string, wallNow: number): number => {
  for (const form of DATE_FORMS) {
    const part = form.exec(value)?.groups;
    if (part === undefined) continue;
    const { day, month, year, hour, minute, second } = part as Record<string, string>;
    const monthIndex = MONTHS.indexOf(month!);
    const date = new Date(Date.UTC(fullYear(year!, wallNow), monthIndex, Number(day)));
    const isRealDay = date.getUTCMonth() === monthIndex;
    // 60: a leap second.
    if (!isRealDay || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return Number.NaN;
    return date.getTime() + ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
  }
  return Number.NaN;
};

/**
 * How long `Retry-After` asks to wait, in ms (RFC 9110, section 10.2.3): seconds, or a date compared with `wallNow`
 * (epoch ms). 0 for a date in the past, at most an hour, -1 for what is neither.
 */
export const parseRetryAfter = (value: string, wallNow: number): number => {
  if (/^\d+$/.test(value)) return Math.min(Number(value) * 1000, MAX_RETRY_AFTER_MS);
  const date = parseHttpDate(value, wallNow);
  if (Number.isNaN(date)) return -1;
  return Math.min(Math.max(0, date - wallNow), MAX_RETRY_AFTER_MS);
};
