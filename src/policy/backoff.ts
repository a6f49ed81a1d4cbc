import type { RetrySettings } from './policies.ts';

/**
 * How long to wait before a retry: "full jitter", uniform in [0, min(max, base × 2^(n−1))). Those whom one failure
 * struck together then come back spread out instead of together (Brooker, "Exponential Backoff And Jitter").
 * `retryNumber` from 1; `random` gives 0 ≤ x < 1.
 */
export const backoffMs = (
  settings: RetrySettings['backoff'],
  retryNumber: number,
  random: () => number,
): number => random() * Math.min(settings.maxMs, settings.baseMs * 2 ** (retryNumber - 1));
