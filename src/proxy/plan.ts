import type { Clock } from '../lib/clock.ts';
import type { TimeoutQueue } from '../lib/timeout-queue.ts';
import type { RetryBudget } from '../policy/budget.ts';
import type { Bulkhead } from '../policy/bulkhead.ts';
import type { Classifier } from '../policy/classify.ts';
import type { FallbackSource } from '../policy/fallback.ts';
import type { Gate } from '../policy/gate.ts';
import type { RetryPolicy } from '../policy/retry.ts';
import type { Bus, CommandRecorder } from '../telemetry/events.ts';
import type { Transport } from '../upstream/transport.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { ReplayPool } from './body-record.ts';
import type { StandIn } from './stand-in.ts';

/** The time limits of a route: one queue for each, shared by all of its exchanges. */
export interface PlanTimeouts {
  readonly connectMs: number;
  readonly attempt: TimeoutQueue;
  readonly total: TimeoutQueue;
  readonly idle: TimeoutQueue;
  readonly body: TimeoutQueue;
  /** How long a connection that nothing was heard on may turn out to be none. */
  readonly earlyReset: TimeoutQueue;
}

/**
 * Everything that a request to one route needs, chosen when the configuration was built. A policy that is off is an
 * object that does nothing, so that nobody asks whether it is on.
 */
export interface Plan {
  readonly kind: 'plan';
  readonly upstreamName: string;
  /** Empty where the upstream has no routes. */
  readonly routeName: string;
  readonly isUnlisted: boolean;
  readonly upstream: Upstream;
  readonly transport: Transport;
  readonly breaker: Gate;
  readonly bulkhead: Bulkhead;
  readonly budget: RetryBudget;
  readonly retry: RetryPolicy;
  readonly classifier: Classifier;
  readonly fallback: FallbackSource;
  /** What the fallback answers with. */
  readonly standIn: StandIn;
  readonly timeouts: PlanTimeouts;
  /** Bytes of a request's body to record; 0 where nothing is retried. */
  readonly replayBytes: number;
  /** True: methods that are not idempotent are repeated too. */
  readonly repeatsAll: boolean;
  /** Protocols that may be switched to, in lower case. */
  readonly upgrades: readonly string[];
  /** The same command for who asks for a connection and not for an answer (CONNECT, TCP); itself where it is one. */
  readonly tunnel: Plan;
  readonly recorder: CommandRecorder;
}

/** A bound on how many tunnels are open, whoever opened them. */
export interface TunnelPlaces {
  readonly isFull: boolean;
  /** False when there is no place; then nothing is taken. */
  enter(): boolean;
  leave(): void;
}

/** What all exchanges share. */
export interface ForwardContext {
  readonly clock: Clock;
  readonly random: () => number;
  readonly bus: Bus;
  readonly replayPool: ReplayPool;
  /** For CONNECT and upgrades: they may last for days, and would fill the bulkheads that requests need. */
  readonly tunnels: TunnelPlaces;
  /** How the process calls itself in Via. */
  readonly pseudonym: string;
  /** Our Via line (RFC 9110 section 7.6.3) with its line end, for a message received as HTTP/1.0 and as HTTP/1.1. */
  readonly via: readonly [minor0: string, minor1: string];
  /** A new request id, for requests that came without one. */
  readonly nextRequestId: () => string;
}
