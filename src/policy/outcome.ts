import type { FailureReason, RejectedReason } from './reason.ts';

/**
 * How an attempt, or a whole request, ended. Failure is a value here: nothing on the request's path throws, and a throw
 * is a defect.
 */
export type Outcome = Success | Failure | Rejected | Cancelled;

/** The upstream answered, and its status does not count as failure. */
export interface Success {
  readonly kind: 'success';
  /** Status of the answer; 0 for a connection (TCP). */
  readonly status: number;
  /** True for a status in `failure.ignore`: proves to a probe that the peer answers, counts for nothing else. */
  readonly isIgnored: boolean;
}

/** An attempt was made and went wrong. */
export interface Failure {
  readonly kind: 'failure';
  readonly reason: FailureReason;
  /** Status that the upstream answered with; 0 without an answer. */
  readonly status: number;
  /** True when not one byte of the request was written to a socket, so that any method may be sent again. */
  readonly isUnsent: boolean;
  /** How long the upstream asked to be left alone (`Retry-After`), in ms; -1 where it did not say. */
  readonly retryAfterMs: number;
  /**
   * What the operating system or the parser called it: a code or the broken rule. Of a certificate also what it says,
   * cut short and in printable ASCII; no other data of a peer. For the log and the admin interface, never for the app.
   */
  readonly detail: string;
}

/** Nothing was sent: feeds neither breaker nor retry. */
export interface Rejected {
  readonly kind: 'rejected';
  readonly reason: RejectedReason;
  /** When trying again may help, in ms from now; -1 where nobody knows. */
  readonly retryAfterMs: number;
  /** What exactly was wrong, for the answer's `detail`; empty where the reason says it all. */
  readonly detail: string;
}

/** The client left. Proves nothing; a probe's place goes back. */
export interface Cancelled {
  readonly kind: 'cancelled';
  readonly reason: 'client_gone';
}

/** The word for an outcome in metrics and log. */
export type OutcomeKind = Outcome['kind'];

const successes: Success[] = [];
const ignored: Success[] = [];
for (let status = 0; status < 600; status += 1) {
  successes.push(Object.freeze({ kind: 'success', status, isIgnored: false }));
  ignored.push(Object.freeze({ kind: 'success', status, isIgnored: true }));
}

/** A success with this status (0–599). */
export const success = (status: number): Success => successes[status]!;

/** An answer that counts for nothing but for a probe (0–599). */
export const ignoredSuccess = (status: number): Success => ignored[status]!;

/** A failure without an answer. `isUnsent` only where not one byte of the request was written. */
export const failure = (reason: FailureReason, isUnsent: boolean, detail = ''): Failure => ({
  kind: 'failure',
  reason,
  status: 0,
  isUnsent,
  retryAfterMs: -1,
  detail,
});

/** An answer whose status counts as failure. `retryAfterMs` from the answer's `Retry-After`, or -1. */
export const failureStatus = (status: number, retryAfterMs: number): Failure => ({
  kind: 'failure',
  reason: 'upstream_status',
  status,
  isUnsent: false,
  retryAfterMs,
  detail: '',
});

export const rejected = (reason: RejectedReason, retryAfterMs = -1, detail = ''): Rejected => ({
  kind: 'rejected',
  reason,
  retryAfterMs,
  detail,
});

export const clientGone: Cancelled = Object.freeze({ kind: 'cancelled', reason: 'client_gone' });

export const noEndpoint: Rejected = Object.freeze(rejected('no_endpoint'));
