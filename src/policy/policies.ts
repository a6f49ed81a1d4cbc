/**
 * What the policies can be told, after parsing: plain numbers with the unit in the name, every default filled in.
 * `Infinity` stands for "off" or "unlimited". The file format's keys are the same words without the unit.
 */

export interface TimeoutSettings {
  /** Name resolution, connect and TLS together. */
  readonly connectMs: number;
  /** One attempt, from sending to the response head. Infinity: what is left of the total. */
  readonly attemptMs: number;
  /** All attempts, from the request's last byte to the response head. */
  readonly totalMs: number;
  /** No byte in either direction once bodies flow. */
  readonly idleMs: number;
  /** The whole exchange, bodies included. Infinity: no such limit. */
  readonly bodyMs: number;
}

export interface BulkheadSettings {
  /** Requests in flight at the same time; at least 1. */
  readonly concurrency: number;
  /** Places to wait in; 0: none. */
  readonly queue: number;
  readonly queueTimeoutMs: number;
}

export type Force = 'open' | 'closed' | 'none';

export interface BreakerSettings {
  /** Length of the health window. */
  readonly windowMs: number;
  /** Attempts that must be in the window before it is judged; inclusive. */
  readonly volume: number;
  /** Share of failures that opens, 1–100, compared with the truncated percentage; inclusive. */
  readonly errorPercent: number;
  /** How long an open breaker refuses before it lets a probe through. */
  readonly sleepMs: number;
  /** Successes in half-open that close it; also how many attempts may probe at the same time. */
  readonly probes: number;
  /** Attempts slower than this are slow; Infinity: off. */
  readonly slowerThanMs: number;
  /** Share of slow attempts that opens, 1–100; inclusive. */
  readonly slowPercent: number;
  /** Failures in a row that open, whatever the volume; Infinity: off. */
  readonly consecutive: number;
  /** True: bulkhead rejections vote as failures, as in Hystrix. */
  readonly countRejections: boolean;
  readonly force: Force;
}

export type RetryCondition = 'connect-failure' | 'reset' | 'timeout' | number;

export interface RetrySettings {
  /** Attempts in all, the first included; 1: no retry. */
  readonly attempts: number;
  /** Kinds of failure and statuses that may be tried again. */
  readonly on: readonly RetryCondition[];
  readonly backoff: { readonly baseMs: number; readonly maxMs: number };
  /** Share of requests that retries may add, 0–100, and the retries per second that are always allowed. */
  readonly budget: { readonly percent: number; readonly minPerSecond: number };
  /** How much of a request's body is recorded for replay. */
  readonly bodyLimitBytes: number;
  /** True: every method may be tried again. */
  readonly nonIdempotent: boolean;
}

/** A range of statuses, both ends included. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

export interface FailureSettings {
  /** Statuses that count as failure. */
  readonly status: readonly StatusRange[];
  /** Statuses that count for nothing: neither success nor failure. */
  readonly ignore: readonly StatusRange[];
}

export interface FallbackSettings {
  /** Reasons for which the fallback answers; empty: there is none. */
  readonly on: readonly string[];
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body's bytes; those of `bodyFile` were read with the configuration. */
  readonly body: Uint8Array;
  /** Fallbacks that may be served at the same time. */
  readonly concurrency: number;
}

export interface TcpSettings {
  /** A connection that is reset within this time, before the upstream's first byte, is a failure. */
  readonly earlyResetMs: number;
}

/** Everything that a route can override, key by key. */
export interface PolicySettings {
  readonly timeout: TimeoutSettings;
  readonly bulkhead: BulkheadSettings;
  readonly breaker: BreakerSettings;
  readonly retry: RetrySettings;
  readonly failure: FailureSettings;
  readonly fallback: FallbackSettings;
  /** Protocols that may be switched to, in lower case. */
  readonly upgrade: readonly string[];
  readonly tcp: TcpSettings;
}
