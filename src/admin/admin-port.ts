import type { Commands } from '../telemetry/commands.ts';
import type { MetricsPage } from '../telemetry/metrics.ts';

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

/** A manual override and how long it lasts. */
export type BreakerForce = 'open' | 'closed' | 'none';

/** Everything that the admin interface asks of the running sidecar; `runtime/` implements it. Nothing here throws. */
export interface AdminPort {
  /** May traffic come? Never depends on upstreams. */
  readiness(): ProbeReport;
  /** Is the process worth keeping? */
  liveness(): ProbeReport;
  /** Has it started? */
  startup(): ProbeReport;
  readonly commands: Commands;
  upstreams(): readonly UpstreamView[];
  /** The effective configuration as JSON, secrets already redacted. */
  config(): unknown;
  /** Sets or lifts an override; `ttlMs` Infinity: until it is lifted. False when there is no such breaker. */
  forceBreaker(name: string, force: BreakerForce, ttlMs: number): boolean;
  /** The exposition for a scraper that sent this `Accept`. */
  metrics(accept: string): Promise<MetricsPage>;
  /** A Gateway API duration (`10m`, `1h30m`) in ms; null when it is none. */
  parseDurationMs(text: string): number | null;
  /** Begins to drain; absent where that is not offered. */
  drain?(): void;
}
