import type { PolicySettings } from '../policy/policies.ts';
import type { PoolSettings } from '../upstream/sources.ts';
import type { Policy } from './policy-keys.ts';

/** The same policy with units in its names. `body`: the fallback's, wherever it came from. */
export const toPolicySettings = (policy: Policy, body: Uint8Array): PolicySettings => ({
  timeout: {
    connectMs: policy.timeout.connect,
    attemptMs: policy.timeout.attempt,
    totalMs: policy.timeout.total,
    idleMs: policy.timeout.idle,
    bodyMs: policy.timeout.body,
  },
  bulkhead: {
    concurrency: policy.bulkhead.concurrency,
    queue: policy.bulkhead.queue,
    queueTimeoutMs: policy.bulkhead.queueTimeout,
  },
  breaker: {
    windowMs: policy.breaker.window,
    volume: policy.breaker.volume,
    errorPercent: policy.breaker.errorPercent,
    sleepMs: policy.breaker.sleep,
    probes: policy.breaker.probes,
    slowerThanMs: policy.breaker.slowerThan,
    slowPercent: policy.breaker.slowPercent,
    consecutive: policy.breaker.consecutive,
    countRejections: policy.breaker.countRejections,
    force: policy.breaker.force,
  },
  retry: {
    attempts: policy.retry.attempts,
    on: policy.retry.on,
    backoff: { baseMs: policy.retry.backoff.base, maxMs: policy.retry.backoff.max },
    budget: { percent: policy.retry.budget.percent, minPerSecond: policy.retry.budget.minPerSecond },
    bodyLimitBytes: policy.retry.bodyLimit,
    nonIdempotent: policy.retry.nonIdempotent,
  },
  failure: { status: policy.failure.status, ignore: policy.failure.ignore },
  fallback: {
    on: policy.fallback.on,
    status: policy.fallback.status,
    headers: policy.fallback.headers ?? {},
    body,
    concurrency: policy.fallback.concurrency,
  },
  upgrade: policy.upgrade,
  tcp: { earlyResetMs: policy.tcp.earlyReset },
});

/** The pool's keys with units in their names. */
export const toPoolSettings = (policy: Policy): PoolSettings => ({
  connectionsPerEndpoint: policy.pool.connectionsPerEndpoint,
  idleMs: policy.pool.idle,
  maxIdle: policy.pool.maxIdle,
});
