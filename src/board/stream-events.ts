/**
 * What `GET /events` sends, as types: the server writes it, the dashboard and `outrigger top` read it. Types only.
 * `docs/events.schema.json` says the same to others, and a test compares.
 *
 * Points in time whose name ends in `AtMs`, and `sinceMs`, are on the process's own clock, which `nowMs` of every
 * snapshot and tick tells too: what is left of a wait is the difference of the two, whatever the reader's clock says.
 * `at` is epoch ms. Null stands for "unlimited", "never" and "not known".
 */

/** The state of a breaker by itself, whatever is forced. */
export type StateName = 'closed' | 'half_open' | 'open';

/** Durations of the last minute in ms. */
export interface LatencyPicture {
  readonly count: number;
  readonly meanMs: number;
  /** `p0`, `p25`, `p50`, `p75`, `p90`, `p95`, `p99`, `p99.5`, `p100`. */
  readonly percentilesMs: Readonly<Record<string, number>>;
}

/** Requests since the process began, by how they ended for the app. */
export interface RequestTotals {
  /** All that have ended; those whose client left included. */
  readonly requests: number;
  /** Ended as a failure of the upstream. */
  readonly failed: number;
  /** Refused by a policy or a rule. */
  readonly refused: number;
  /** Failed or refused, but answered by the fallback; counted in neither of those two. */
  readonly fallback: number;
}

/** The bulkhead of a command; several may share one, by its name. */
export interface BulkheadPicture {
  readonly name: string;
  readonly concurrency: number | null;
  readonly queueLimit: number;
  readonly inFlight: number;
  readonly queued: number;
  readonly rejectedTotal: number;
}

/** One command: an upstream, a route of one, or an unlisted destination. */
export interface CommandPicture {
  /** `upstream`, `upstream.route` or `host:port`. Unique. */
  readonly name: string;
  readonly upstream: string;
  /** Empty where the upstream has no routes. */
  readonly route: string;
  readonly unlisted: boolean;
  readonly state: StateName;
  /** Since when it has been in its state. */
  readonly sinceMs: number;
  readonly force: 'open' | 'closed' | 'none';
  readonly forcedBy: 'hand' | 'configuration' | null;
  readonly forceEndsAtMs: number | null;
  /** Why it is in its state, in words and numbers; waits are in the other fields. */
  readonly why: string;
  /** When it lets the next probe through; null while it is closed. */
  readonly nextProbeAtMs: number | null;
  /** What the breaker judges by: attempts within its window. */
  readonly health: {
    readonly windowMs: number;
    readonly total: number;
    readonly errors: number;
    readonly slow: number;
    readonly errorPercent: number;
    readonly slowPercent: number;
    readonly failuresInARow: number;
  };
  readonly probes: {
    readonly needed: number;
    readonly succeeded: number;
    readonly inFlight: number;
    readonly lost: number;
  };
  /** Attempts in flight. */
  readonly inFlight: number;
  /** Counts over the breaker's window, by the names of `/breakers`: attempts by verdict, requests by refusal. */
  readonly rolling: Readonly<Record<string, number>>;
  readonly totals: RequestTotals;
  /** From sending an attempt to its response head or failure. */
  readonly latencyExecute: LatencyPicture;
  /** From the request's arrival to the response head. */
  readonly latencyTotal: LatencyPicture;
  readonly bulkhead: BulkheadPicture;
}

export interface EndpointPicture {
  readonly address: string;
  readonly inFlight: number;
  readonly consecutiveFailures: number;
  /** Attempts that were sent there since it is known, and how many of them failed. */
  readonly attempts: number;
  readonly failures: number;
  /** Until when it is passed over while another is available; null: it is not. */
  readonly passedOverUntilMs: number | null;
}

/** A declared upstream; unlisted destinations have none. */
export interface UpstreamPicture {
  readonly name: string;
  readonly hosts: readonly string[];
  /** Null: its endpoints do not come from a name. */
  readonly dns: {
    readonly name: string;
    readonly resolvedAtMs: number | null;
    readonly stale: boolean;
    readonly lastFailure: { readonly detail: string; readonly failedAtMs: number } | null;
  } | null;
  readonly endpoints: readonly EndpointPicture[];
  /** Retries that could be made now, in whole tokens, and the most that can be saved up at the present traffic. */
  readonly retryBudget: { readonly tokens: number; readonly capacity: number };
}

/** The process itself. */
export interface ProcessPicture {
  /** As it calls itself in Via: `outrigger-a1b2c3`; another one after a restart. */
  readonly id: string;
  readonly version: string;
  readonly state: 'starting' | 'serving' | 'draining';
  /** Epoch ms. */
  readonly startedAt: number;
  /** Where the proxy listens: `127.0.0.1:7400`. */
  readonly egress: string;
  /** Where the configuration came from. */
  readonly source: string;
}

/** What happened, once. Each has an `id:` in the stream, and its kind is the event's name. */
export type Incident =
  | TransitionIncident
  | OverrideIncident
  | EndpointIncident
  | EndpointsIncident
  | DiscoveryIncident
  | ReloadIncident;

/** The state that callers meet has changed. */
export interface TransitionIncident {
  readonly kind: 'transition';
  readonly at: number;
  readonly command: string;
  readonly from: StateName;
  readonly to: StateName;
  readonly why: string;
  /** Who forces it from now on; null: nobody. */
  readonly forcedBy: 'hand' | 'configuration' | null;
  /** What had been counted within the window at that moment. */
  readonly counts: { readonly total: number; readonly errors: number; readonly slow: number };
}

/** Somebody forced a breaker or let go of it, or an override has run out. */
export interface OverrideIncident {
  readonly kind: 'override';
  readonly at: number;
  readonly command: string;
  readonly force: 'open' | 'closed' | 'none';
  readonly cause: 'by hand' | 'its time is over';
  /** Null: until it is lifted. 0 where nothing is forced by hand any more. */
  readonly ttlMs: number | null;
}

/** An endpoint was taken out of use for a while, or is used again. */
export interface EndpointIncident {
  readonly kind: 'endpoint';
  readonly at: number;
  readonly upstream: string;
  readonly endpoint: string;
  readonly change: 'passed_over' | 'available';
  readonly why: string;
}

/** The set of endpoints of an upstream is another one. */
export interface EndpointsIncident {
  readonly kind: 'endpoints';
  readonly at: number;
  readonly upstream: string;
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly size: number;
  readonly why: string;
}

/** The name of an upstream can no longer be resolved, or can be again. */
export interface DiscoveryIncident {
  readonly kind: 'discovery';
  readonly at: number;
  readonly upstream: string;
  readonly host: string;
  readonly change: 'failing' | 'recovered';
  readonly why: string;
}

/** The configuration was read again. */
export interface ReloadIncident {
  readonly kind: 'reload';
  readonly at: number;
  readonly result: 'succeeded' | 'failed';
  readonly why: string;
}

/** An incident and its place in the process's count, from 1. */
export interface NumberedIncident {
  readonly number: number;
  readonly incident: Incident;
}

/** What a second held, for each of the last seconds, oldest first: requests by how they ended. */
export interface History {
  readonly requests: readonly number[];
  readonly failed: readonly number[];
  readonly refused: readonly number[];
  readonly fallback: readonly number[];
}

/** Everything there is, on connect and whenever a reader fell behind: a reader forgets what it knew. */
export interface SnapshotEvent {
  /** Epoch ms, and the same moment on the process's own clock. */
  readonly at: number;
  readonly nowMs: number;
  /** How long it is from one tick to the next. */
  readonly tickMs: number;
  readonly process: ProcessPicture;
  readonly commands: readonly CommandPicture[];
  readonly upstreams: readonly UpstreamPicture[];
  /** The latest incidents, oldest first, at most 50. */
  readonly recent: readonly NumberedIncident[];
  /**
   * What the last two minutes held: one number a second, the last of them for the second that ended at `endsAtMs`.
   * Commands without a request in that time are left out.
   */
  readonly history: { readonly endsAtMs: number; readonly commands: Readonly<Record<string, History>> };
  /**
   * For a reader that has seen something before, by its `Last-Event-ID` or since it fell too far behind: how many
   * incidents follow at once since it missed them, and how many more are no longer kept. Null: it is new.
   */
  readonly resumed: { readonly missed: number; readonly lost: number } | null;
}

/** What changed since the tick before. Sent even when nothing did: a sign of life. */
export interface TickEvent {
  readonly at: number;
  readonly nowMs: number;
  /** New and changed ones, whole. */
  readonly commands: readonly CommandPicture[];
  /** Names of those that are gone. */
  readonly removed: readonly string[];
  readonly upstreams: readonly UpstreamPicture[];
  readonly removedUpstreams: readonly string[];
  /** Null: as it was. */
  readonly process: ProcessPicture | null;
}

/** Every event of the stream by its name; incidents carry their `kind` as name. */
export type StreamEvent =
  | { readonly name: 'snapshot'; readonly data: SnapshotEvent }
  | { readonly name: 'tick'; readonly data: TickEvent }
  | { readonly name: Incident['kind']; readonly data: Incident };
