import type { BreakerStatus } from '../policy/gate.ts';
import type { PolicySettings } from '../policy/policies.ts';

/** What telemetry reads of a bulkhead. Several commands may share one. */
export interface BulkheadView {
  readonly name: string;
  readonly concurrency: number;
  readonly queueLimit: number;
  readonly inFlight: number;
  readonly queued: number;
  /** Since the process began: requests that got a place, that gave it back, and that were refused. */
  readonly admittedTotal: number;
  readonly completedTotal: number;
  readonly rejectedTotal: number;
  /** The most that were ever in flight at the same time. */
  readonly maxInFlightEver: number;
}

/** A breaker as it is shown. Its status explains itself in words, which takes time; the state is at hand. */
export interface BreakerView {
  readonly visibleState: BreakerStatus['state'];
  status(now: number): BreakerStatus;
}

/** What a command is: given when it is opened, and again when the configuration changes. */
export interface CommandDescription {
  /** `upstream`, `upstream.route`, or `host:port` of an unlisted destination. Unique. */
  readonly name: string;
  readonly upstream: string;
  /** Empty where the upstream has no routes. */
  readonly route: string;
  readonly isUnlisted: boolean;
  readonly settings: PolicySettings;
  readonly breaker: BreakerView;
  readonly bulkhead: BulkheadView;
}

/** Percentiles that are told of a latency, in Hystrix's choice. */
export const latencyPercents: readonly number[] = [0, 25, 50, 75, 90, 95, 99, 99.5, 100];

/** How long something took within the last minute, in ms. */
export interface LatencyFigures {
  readonly count: number;
  readonly mean: number;
  /** One for each of {@link latencyPercents}. */
  readonly percentiles: readonly number[];
}

/** Counts within the rolling window, which is as long as the breaker's. */
export interface RollingFigures {
  /** Attempts, by how they were judged. `badRequest`: the status is ignored, or the request was wrong in itself. */
  readonly success: number;
  readonly failure: number;
  readonly timeout: number;
  readonly badRequest: number;
  readonly cancelled: number;
  /** Requests that were refused, by whom. */
  readonly shortCircuited: number;
  readonly bulkheadRejected: number;
  readonly otherRejected: number;
  /** Requests that were answered by the fallback, for which it was full, and which had none. */
  readonly fallbackSuccess: number;
  readonly fallbackRejected: number;
  readonly fallbackMissing: number;
  readonly retries: number;
}

/** Requests since the process began, by how they ended for the app. */
export interface RequestCounts {
  /** All that have ended; those whose client left included. */
  readonly requests: number;
  /** Ended as a failure of the upstream, and nothing stood in for its answer. */
  readonly failed: number;
  /** Refused by a policy or a rule, likewise. */
  readonly refused: number;
  /** Failed or refused, but answered by the fallback. */
  readonly fallback: number;
}

/** A command at one moment: the figures behind the streams, the JSON pages and the dashboard alike. */
export interface CommandFigures extends CommandDescription {
  readonly status: BreakerStatus;
  /** It goes on counting: read it at once. */
  readonly requests: RequestCounts;
  /** Attempts that were sent and are not judged yet. */
  readonly inFlight: number;
  /** The most of them at the start of an attempt, within the rolling window. */
  readonly maxInFlight: number;
  /** The most requests in the bulkhead at the start of one of this command's attempts, within the rolling window. */
  readonly maxBulkheadInFlight: number;
  readonly rolling: RollingFigures;
  /** From sending an attempt to its response head, or to its failure. */
  readonly latencyExecute: LatencyFigures;
  /** From the request's arrival to the response head, queue and retries included. */
  readonly latencyTotal: LatencyFigures;
}
