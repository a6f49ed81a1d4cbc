import type { ProcessPicture, UpstreamPicture } from '../board/stream-events.ts';
import type { Commands } from '../telemetry/commands.ts';
import type { MetricsPage } from '../telemetry/metrics.ts';
import type { IncidentRing } from './incident-ring.ts';

/** The answer to a probe. */
export interface ProbeReport {
  readonly isOk: boolean;
  /** In a few words, for whoever reads the answer: `ready`, `draining since …`. */
  readonly reason: string;
}

/** An endpoint as the JSON pages show it. */
export interface EndpointView {
  readonly address: string;
  readonly inFlight: number;
  readonly consecutiveFailures: number;
  /** How long it will be passed over while another is available; 0: it is not. */
  readonly passedOverForMs: number;
}

/** A name that is resolved in the background, as the JSON pages show it. */
export interface DnsNameView {
  readonly name: string;
  /** Since the last answer with addresses; null: there was none. */
  readonly resolvedAgoMs: number | null;
  /** True while the addresses in use are those of an earlier answer, since the last lookup failed. */
  readonly stale: boolean;
  /** The last lookup that failed, even if there were good ones since; null: none did. */
  readonly lastFailure: { readonly detail: string; readonly agoMs: number } | null;
}

/** An upstream as the JSON pages show it. */
export interface UpstreamView {
  readonly name: string;
  readonly hosts: readonly string[];
  /** null: its endpoints do not come from a name. */
  readonly dns: DnsNameView | null;
  readonly endpoints: readonly EndpointView[];
  readonly retryBudgetTokens: number;
}

/** One value of a command's policy, and who wrote it. */
export interface PolicyLine {
  /** As in the configuration: `timeout.total`. */
  readonly key: string;
  /** As the file would write it: `800ms`, `64KiB`, `off`. Secrets are redacted. */
  readonly value: string;
  /** Whose writing holds. A value that a limit holds lower (a connect timeout, a shorter total) is that limit's. */
  readonly layer: 'route' | 'upstream' | 'defaults' | 'limits' | 'built in';
  /** `outrigger.yaml:12:14`; null: nobody wrote it. */
  readonly place: string | null;
}

/** A manual override and how long it lasts. */
export type BreakerForce = 'open' | 'closed' | 'none';

/** How a reload went. */
export interface ReloadReport {
  /** `refused`: there is nothing to read again, or it is no time for it; nothing was looked at. */
  readonly result: 'succeeded' | 'failed' | 'refused';
  /** What changed, or why nothing did. */
  readonly why: string;
  /** What is wrong with the configuration, each with its place; empty: nothing is, or it could not be put in force. */
  readonly problems: readonly string[];
}

/** Everything that the admin interface asks of the running sidecar; `runtime/` implements it. Nothing here throws. */
export interface AdminPort {
  /** May traffic come? Never depends on upstreams. */
  readiness(): ProbeReport;
  /** Is the process worth keeping? */
  liveness(): ProbeReport;
  /** Has it started? */
  startup(): ProbeReport;
  readonly commands: Commands;
  /** What has happened of late; also whom to ask to be told of what happens next. */
  readonly incidents: IncidentRing;
  /** The process itself, for the stream. */
  process(): ProcessPicture;
  /** The upstreams with every point in time on the process's clock, for the stream. */
  upstreamPictures(): readonly UpstreamPicture[];
  upstreams(): readonly UpstreamView[];
  /** The policy of a command with the place of each value, in the order of the configuration's pages; null: no such command. */
  policyOf(name: string): readonly PolicyLine[] | null;
  /** The effective configuration as JSON, secrets already redacted. */
  config(): unknown;
  /** Sets or lifts an override; `ttlMs` Infinity: until it is lifted. False when there is no such breaker. */
  forceBreaker(name: string, force: BreakerForce, ttlMs: number): boolean;
  /** The exposition for a scraper that sent this `Accept`. */
  metrics(accept: string): Promise<MetricsPage>;
  /** A Gateway API duration (`10m`, `1h30m`) in ms; null when it is none. */
  parseDurationMs(text: string): number | null;
  /** Reads the configuration again and puts it in force; absent where that is not offered. */
  reload?(): Promise<ReloadReport>;
  /** Begins to drain; absent where that is not offered. */
  drain?(): void;
}
