import type { Outcome, Rejected } from './outcome.ts';
import type { Force } from './policies.ts';

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
   * `rejected` (nothing was sent after all) and `cancelled` give a probe's place back and count for nothing.
   * `elapsedMs`: how long the upstream took to the verdict, for the slow-call rule; 0 where its client is still sending.
   */
  settle(outcome: Outcome, elapsedMs: number, now: number): void;
  /**
   * The body broke off after a head that was settled as success: one failure more in the window of the same
   * generation. After a change of state it counts for nothing.
   */
  addBodyFailure(now: number): void;
}

/** How far a half-open breaker is; all but `needed` are 0 in the other states. */
export interface ProbeProgress {
  /** Successes that close it. */
  readonly needed: number;
  readonly succeeded: number;
  /** Probes that hold a place. */
  readonly inFlight: number;
  /** Probes that were given up because they had said nothing for a whole sleep. */
  readonly lost: number;
}

/** What a breaker knows of itself, for people and streams. Reading it changes nothing. */
export interface BreakerStatus {
  /** Its own state, whatever is forced. `open` includes a sleep that has run out: the next request makes it half-open. */
  readonly state: 'closed' | 'half_open' | 'open';
  /** For how long it has been its own state. */
  readonly inStateMs: number;
  readonly force: Force;
  /** Who forces it; null: nobody. */
  readonly forcedBy: 'hand' | 'configuration' | null;
  /** Time left of a force by hand; Infinity: until it is lifted or configured otherwise; -1: it is not forced. */
  readonly forceEndsInMs: number;
  /** What Hystrix would show: forced open, or neither forced closed nor closed. */
  readonly isOpen: boolean;
  /** Settled attempts in the health window, and of those the failures and the slow ones. */
  readonly total: number;
  readonly errors: number;
  readonly slow: number;
  /** errors ÷ total and slow ÷ total in percent, truncated; 0 when total is 0. */
  readonly errorPercent: number;
  readonly slowPercent: number;
  /** Failures since the last success. */
  readonly failuresInARow: number;
  readonly probes: ProbeProgress;
  /** Until it would let a probe through if nothing were forced; 0 when one may go now; -1 when the state is closed. */
  readonly nextProbeInMs: number;
  /** Why it is in this state, in words and numbers. */
  readonly why: string;
  /** The same without waits, which change by themselves, and without what the fields above say. */
  readonly reason: string;
}
