import { Cap } from '../lib/cap.ts';
import type { FallbackSettings } from './policies.ts';
import { type Reason, type ReasonRow, reasons } from './reason.ts';

/**
 * What the fallback does for a request: `served` answers it, `full` would but too many are being answered, `none` is not
 * meant for it.
 */
export type FallbackUse = 'served' | 'full' | 'none';

/** Decides whether the fallback answers in the upstream's place. */
export interface FallbackSource {
  /** What {@link enter} would say now: an upstream's own answer is given up only for that. Changes nothing. */
  peek(reason: Reason): FallbackUse;
  /** `served`: one more is in use, and {@link leave} must follow. */
  enter(reason: Reason): FallbackUse;
  /** An answer that was handed out is with its client, or the client has left. Exactly once: one too many throws. */
  leave(): void;
}

/** Refusals in the upstream's place. All others are about the request itself, and stay what they are. */
const refusalsForUpstream: ReadonlySet<Reason> = new Set([
  'circuit_open',
  'bulkhead_full',
  'queue_timeout',
  'pool_exhausted',
  'out_of_resources',
  'no_endpoint',
]);

/**
 * True for what a fallback can stand in for: the upstream failed, or was not asked for its own sake. A malformed request
 * would be as malformed for the upstream, and a client that left is told nothing.
 */
export const isForUpstream = (reason: Reason): boolean =>
  reasons[reason].kind === 'failure' || refusalsForUpstream.has(reason);

/** Words in `fallback.on`: reasons, and the groups that `retry.on` knows too. */
const isMeant = (reason: Reason, on: readonly string[]): boolean => {
  const row: ReasonRow = reasons[reason];
  if (!isForUpstream(reason)) return false;
  if (row.isTimeout && on.includes('timeout')) return true;
  return on.includes(reason) || (row.retryOn !== null && on.includes(row.retryOn));
};

/**
 * A limit of its own for answers in the upstream's place: Hystrix's fallback semaphore, which has no queue either. One is
 * in use from when it is chosen until the client has it: slow clients, not slow upstreams, are what it holds back.
 */
export class Fallback implements FallbackSource {
  readonly #reasons: ReadonlySet<Reason>;
  readonly #places: Cap;

  /** `places` outlive it: those of the fallback that a reload has put this one in the place of are among them. */
  constructor({ on, concurrency }: FallbackSettings, places: Cap = new Cap(concurrency)) {
    const all = Object.keys(reasons) as Reason[];
    this.#reasons = new Set(all.filter((reason) => isMeant(reason, on)));
    this.#places = places;
  }

  get inUse(): number {
    return this.#places.open;
  }

  peek(reason: Reason): FallbackUse {
    if (!this.#reasons.has(reason)) return 'none';
    return this.#places.isFull ? 'full' : 'served';
  }

  enter(reason: Reason): FallbackUse {
    const use = this.peek(reason);
    if (use === 'served') this.#places.enter();
    return use;
  }

  leave(): void {
    if (this.inUse === 0) throw new Error('A fallback was ended twice');
    this.#places.leave();
  }
}

/** For routes without a fallback. */
export const noFallback: FallbackSource = Object.freeze({
  peek: () => 'none' as const,
  enter: () => 'none' as const,
  leave() {
    throw new Error('A fallback was ended that was never served');
  },
});
