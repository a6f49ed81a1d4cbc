import type { FallbackUse } from '../policy/fallback.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { Reason, RejectedReason } from '../policy/reason.ts';

/**
 * What the request's path tells telemetry: types only. The path calls these interfaces; what is behind them is chosen
 * in `runtime/`. An implementation never throws and never keeps an argument.
 */

export type BreakerStateName = 'closed' | 'half_open' | 'open';

/** Why a retry that the failure would have allowed did not happen. */
export type RetrySkip =
  | 'budget'
  | 'body_too_large'
  | 'replay_full'
  | 'deadline'
  | 'not_idempotent'
  | 'early_data'
  | 'already_retried'
  | 'circuit_open'
  | 'no_endpoint'
  | 'client_gone';

/**
 * How a tunnel came to its end: who closed it in order or broke it off, or that a limit of time was reached. `shutdown`:
 * it was open still when the process ended.
 */
export type CloseReason =
  | 'client_closed'
  | 'upstream_closed'
  | 'client_reset'
  | 'upstream_reset'
  | 'timeout'
  | 'shutdown';

/** An exchange that has ended, as the access log and the counters see it. Read at once; the object is not kept. */
export interface ExchangeEnded {
  /** Name of the upstream; `unlisted` destinations give theirs as `host:port`; empty where none was found. */
  readonly upstream: string;
  /** Name of the route; empty where the upstream has none. */
  readonly route: string;
  readonly isUnlisted: boolean;
  readonly protocol: 'http' | 'connect' | 'tcp' | 'upgrade';
  readonly method: string;
  /** Host the app named, without userinfo. */
  readonly host: string;
  /** Path without query. */
  readonly path: string;
  /** The last word on the exchange, body included. */
  readonly outcome: Outcome;
  /** null for a plain success. */
  readonly reason: Reason | null;
  /** Status that the client was sent; 499 when it left before; 0 where there is none. */
  readonly status: number;
  /** What the fallback did: answered, or would have but was full; `none` also where it was not asked. */
  readonly fallback: FallbackUse;
  readonly attempts: number;
  /** Why an attempt that the last failure would have allowed did not follow; null: none was held back. */
  readonly retrySkipped: RetrySkip | null;
  /** Label of the endpoint of the last attempt; empty when nothing was sent. */
  readonly endpoint: string;
  readonly requestId: string;
  readonly traceparent: string;
  /** Milliseconds; -1 where the phase was not reached. `connectMs` 0: a kept connection. */
  readonly queueMs: number;
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly totalMs: number;
  /** Bytes of content, without framing. */
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** null: it was no tunnel. */
  readonly closeReason: CloseReason | null;
  /** For the log line of a refusal or a failure: the rule, or the operating system's code. */
  readonly detail: string;
}

/** The books of one command (a route, or an upstream without routes). */
export interface CommandRecorder {
  /** An attempt was sent. */
  attemptStarted(now: number): void;
  /** An attempt was judged; once for each started one. `elapsedMs` to the response head or the failure. */
  attemptSettled(outcome: Outcome, elapsedMs: number, now: number): void;
  /** A body broke off after a head that was judged as success. */
  bodyFailed(now: number): void;
  /** A policy refused the request before or instead of an attempt. */
  requestRejected(reason: RejectedReason, now: number): void;
  /** An attempt after the first was sent; `reason`: what the one before failed with. */
  retryStarted(reason: Reason, now: number): void;
  retrySkipped(why: RetrySkip, now: number): void;
  /** Once for each exchange that found its command, at its very end. */
  exchangeEnded(ended: ExchangeEnded, now: number): void;
}

/** A change of a breaker's state. */
export interface BreakerTransition {
  readonly command: string;
  readonly from: BreakerStateName;
  readonly to: BreakerStateName;
  /** In words and numbers: what was counted, against which threshold, or who forced it. */
  readonly why: string;
  /** Who forces it from now on; null: nobody. */
  readonly forcedBy: 'hand' | 'configuration' | null;
  /** Votes in the breaker's window at that moment; all 0 after a close. */
  readonly counts: { readonly total: number; readonly errors: number; readonly slow: number };
  /** Epoch ms. */
  readonly at: number;
}

/** A manual override was set, lifted, or has run out; whatever callers meet by it. */
export interface BreakerOverride {
  readonly command: string;
  /** What is forced from now on. */
  readonly force: 'open' | 'closed' | 'none';
  readonly cause: 'by hand' | 'its time is over';
  /** How long it will last; Infinity: until it is lifted. */
  readonly ttlMs: number;
  /** Epoch ms. */
  readonly at: number;
}

/** A change in the state of an endpoint. */
export interface EndpointChange {
  readonly upstream: string;
  readonly endpoint: string;
  readonly change: 'passed_over' | 'available';
  readonly why: string;
  /** Epoch ms. */
  readonly at: number;
}

/** The set of endpoints of an upstream is another one. */
export interface EndpointSetChange {
  readonly upstream: string;
  /** Labels of those that came and of those that went; not both empty. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** How many there are now. */
  readonly size: number;
  readonly why: string;
  /** Epoch ms. */
  readonly at: number;
}

/** How a lookup of a declared name ended: with addresses; with the answer that it has none; with another answer; with none. */
export type LookupResult = 'answered' | 'empty' | 'failed' | 'timeout';

/** The name of an upstream can no longer be resolved, or can be again. */
export interface DiscoveryChange {
  readonly upstream: string;
  /** The name that is looked up. */
  readonly host: string;
  readonly change: 'failing' | 'recovered';
  /** What the name servers said, and what becomes of the addresses. */
  readonly why: string;
  /** Epoch ms. */
  readonly at: number;
}

/** The files by which an upstream speaks TLS are others now, and were taken over or not. */
export interface TlsFilesChange {
  readonly upstream: string;
  /** `refused`: new connections go on with what was there before, where there was anything. */
  readonly result: 'taken_over' | 'refused';
  /** The files, or what is wrong with one of them. */
  readonly why: string;
  /** Epoch ms. */
  readonly at: number;
}

/** The configuration was read again, and taken over or refused. */
export interface ConfigReload {
  readonly result: 'succeeded' | 'failed';
  /** What changed, or what is wrong with it. */
  readonly why: string;
  /** Epoch ms. */
  readonly at: number;
}

/** Receives what happens in the whole process; the log, the streams and the metrics listen to it. */
export interface Bus {
  exchangeEnded(ended: ExchangeEnded): void;
  breakerTransition(transition: BreakerTransition): void;
  breakerOverridden(override: BreakerOverride): void;
  endpointChanged(change: EndpointChange): void;
  endpointSetChanged(change: EndpointSetChange): void;
  discoveryChanged(change: DiscoveryChange): void;
  tlsFilesChanged(change: TlsFilesChange): void;
  configReloaded(reload: ConfigReload): void;
}
