import type { Outcome, Rejected } from './outcome.ts';

/**
 * The question "may I pass?", apart from the question "is it bad enough to open?".
 */
export interface Gate {
  /** What {@link acquire} would refuse with now, or null. Changes nothing: asked before a request is queued. */
  peek(now: number): Rejected | null;
  /** Leave for one attempt, or the refusal. Every permit is settled exactly once. */
  acquire(now: number): Permit | Rejected;
  /** The bulkhead refused a request: a vote only where `breaker.countRejections` says so. */
  addRejection(now: number): void;
}

/** Leave for one attempt. It knows the generation of the state that gave it; what comes late moves nothing. */
export interface Permit {
  readonly kind: 'permit';
  /** True for an attempt on which a half-open breaker decides. */
  readonly isProbe: boolean;
  /**
   * The verdict on the attempt, at its response head or its failure; the second call is a defect and throws.
   * `rejected` (nothing was sent after all) and `cancelled` give a probe's token back and count for nothing.
   * `elapsedMs`: from sending to the verdict, for the slow-call rule.
   */
  settle(outcome: Outcome, elapsedMs: number, now: number): void;
  /**
   * The body broke off after a head that was settled as success: one failure more in the window of the same
   * generation. After a change of state it counts for nothing.
   */
  addBodyFailure(now: number): void;
}

/** What a breaker knows of itself, for people and streams. Reading it changes nothing. */
export interface BreakerStatus {
  /** Its own state, whatever is forced. `open` includes a sleep that has run out: the next request makes it half-open. */
  readonly state: 'closed' | 'half_open' | 'open';
  readonly force: 'open' | 'closed' | 'none';
  /** What Hystrix would show: forced open, or neither forced closed nor closed. */
  readonly isOpen: boolean;
  /** Settled attempts in the health window, and of those the failures and the slow ones. */
  readonly total: number;
  readonly errors: number;
  readonly slow: number;
  /** errors ÷ total in percent, truncated; 0 when total is 0. */
  readonly errorPercent: number;
  /** Until a probe is let through; 0 when one would be now; -1 when the state is not open. */
  readonly nextProbeInMs: number;
  /** Why it is in this state, in words and numbers. */
  readonly why: string;
}

/** A gate that can be watched and forced. */
export interface WatchableGate extends Gate {
  status(now: number): BreakerStatus;
  force(force: 'open' | 'closed' | 'none', now: number): void;
}
