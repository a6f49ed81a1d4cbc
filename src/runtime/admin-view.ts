import type {
  AdminPort,
  BreakerForce,
  DnsNameView,
  EndpointView,
  PolicyLine,
  ProbeReport,
  ReloadReport,
  UpstreamView,
} from '../admin/admin-port.ts';
import type { IncidentRing } from '../admin/incident-ring.ts';
import type { EndpointPicture, ProcessPicture, UpstreamPicture } from '../board/stream-events.ts';
import { describeSettings } from '../config/describe-settings.ts';
import { policyLines } from '../config/policy-lines.ts';
import type { HostName } from '../config/settings.ts';
import { parseDuration } from '../config/units.ts';
import type { Clock } from '../lib/clock.ts';
import type { Commands } from '../telemetry/commands.ts';
import type { Metrics, MetricsPage, MetricsSource, UpstreamMetrics } from '../telemetry/metrics.ts';
import { isAvailable } from '../upstream/balancer.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { DnsView } from '../upstream/upstream.ts';
import type { BuiltUpstream } from './plan-builder.ts';
import type { Registry } from './registry.ts';
import type { Runtime } from './runtime.ts';
import type { Wire } from './wire-builder.ts';

/** What the process is doing, as its probes tell it. */
export interface Lifecycle {
  isStarted: boolean;
  isDraining: boolean;
}

export interface AdminViewParts {
  readonly clock: Clock;
  /** What is in force now. */
  readonly runtime: () => Runtime;
  readonly registry: Registry;
  readonly commands: Commands;
  readonly lifecycle: Lifecycle;
  readonly incidents: IncidentRing;
  readonly metrics: MetricsSource;
  readonly process: () => Omit<ProcessPicture, 'state'>;
  readonly drain: () => void;
  readonly reload: () => Promise<ReloadReport>;
}

/** What the admin interface sees of the running sidecar. */
export class AdminView implements AdminPort {
  readonly commands: Commands;
  readonly incidents: IncidentRing;
  readonly #parts: AdminViewParts;
  /** Each name that the process began with has been asked for: those that a reload adds change nothing in that. */
  #hasResolved = false;
  /** null: nobody has scraped so far. */
  #metrics: Promise<Metrics> | null = null;

  constructor(parts: AdminViewParts) {
    this.commands = parts.commands;
    this.incidents = parts.incidents;
    this.#parts = parts;
  }

  /** Never depends on upstreams: one bad dependency must not take the pod out of service. */
  readiness(): ProbeReport {
    const { isStarted, isDraining } = this.#parts.lifecycle;
    if (isDraining) return { isOk: false, reason: 'draining' };
    return isStarted ? { isOk: true, reason: 'ready' } : { isOk: false, reason: 'starting' };
  }

  liveness(): ProbeReport {
    return { isOk: true, reason: 'alive' };
  }

  startup(): ProbeReport {
    if (!this.#parts.lifecycle.isStarted) return { isOk: false, reason: 'starting' };
    const untried = this.#parts.runtime().upstreams.filter(({ wire }) => !wire.upstream.dnsTried);
    this.#hasResolved ||= untried.length === 0;
    if (this.#hasResolved) return { isOk: true, reason: 'started' };
    return { isOk: false, reason: `resolving ${untried.map(({ settings }) => settings.name).join(', ')}` };
  }

  process(): ProcessPicture {
    const { isStarted, isDraining } = this.#parts.lifecycle;
    const serving = isStarted ? 'serving' : 'starting';
    return { ...this.#parts.process(), state: isDraining ? 'draining' : serving };
  }

  upstreamPictures(): readonly UpstreamPicture[] {
    const now = this.#parts.clock.now();
    return this.#parts.runtime().upstreams.map((built) => upstreamPicture(built, now));
  }

  policyOf(name: string): readonly PolicyLine[] | null {
    const book = this.commands.find(name);
    return book === undefined ? null : policyLines(this.#parts.runtime().settings, book.description);
  }

  upstreams(): readonly UpstreamView[] {
    const now = this.#parts.clock.now();
    return this.#parts.runtime().upstreams.map(({ settings, wire, budget }) => ({
      name: settings.name,
      hosts: settings.hosts.map(formatHost),
      dns: dnsView(wire.upstream.dns(now)),
      endpoints: wire.upstream.endpoints.map((endpoint) => endpointView(endpoint, now)),
      retryBudgetTokens: budget.tokens(now),
    }));
  }

  config(): unknown {
    return describeSettings(this.#parts.runtime().settings);
  }

  forceBreaker(name: string, force: BreakerForce, ttlMs: number): boolean {
    return this.#parts.registry.force(name, force, ttlMs);
  }

  async metrics(accept: string): Promise<MetricsPage> {
    this.#metrics ??= this.#startMetrics().catch((error: unknown) => {
      // The next scrape tries again: there may be descriptors then.
      this.#metrics = null;
      throw error;
    });
    return (await this.#metrics).page(accept);
  }

  /** prom-client, and what it wants of Node, is a good part of all that there is to load. */
  async #startMetrics(): Promise<Metrics> {
    const { startMetrics } = await import('../telemetry/metrics.ts');
    return startMetrics(this.#parts.metrics);
  }

  parseDurationMs(text: string): number | null {
    return parseDuration(text);
  }

  reload(): Promise<ReloadReport> {
    return this.#parts.reload();
  }

  drain(): void {
    this.#parts.drain();
  }
}

/** What `/metrics` says of an upstream beside its commands. */
export const upstreamMetrics = ({ settings, wire, budget }: BuiltUpstream, now: number): UpstreamMetrics => {
  const { upstream } = wire;
  let available = 0;
  for (const endpoint of upstream.endpoints) if (isAvailable(endpoint, now)) available += 1;
  return {
    name: settings.name,
    retryBudgetTokens: budget.tokens(now),
    endpoints: { available, passedOver: upstream.endpoints.length - available },
    dnsLookups: upstream.dns(now)?.lookups ?? null,
  };
};

const formatHost = ({ host, port }: HostName): string => (port === 0 ? host : `${host}:${port}`);

const dnsView = (dns: DnsView | null): DnsNameView | null => {
  if (dns === null) return null;
  const { host, resolvedAgoMs, isStale, lastFailure } = dns;
  return {
    name: host,
    resolvedAgoMs: resolvedAgoMs < 0 ? null : Math.round(resolvedAgoMs),
    stale: isStale,
    lastFailure: lastFailure === null ? null : { ...lastFailure, agoMs: Math.round(lastFailure.agoMs) },
  };
};

const endpointView = (endpoint: Endpoint, now: number): EndpointView => ({
  address: endpoint.label,
  inFlight: endpoint.inFlight,
  consecutiveFailures: endpoint.consecutiveFailures,
  passedOverForMs: Math.max(0, Math.round(endpoint.passedOverUntil - now)),
});

/** An upstream for the stream, where time is told by the moments at which things happen. */
export const upstreamPicture = (
  {
    settings,
    wire,
    budget,
  }: Pick<BuiltUpstream, 'settings' | 'budget'> & {
    readonly wire: Pick<Wire, 'upstream'>;
  },
  now: number,
): UpstreamPicture => ({
  name: settings.name,
  hosts: settings.hosts.map(formatHost),
  dns: dnsPicture(wire.upstream.dns(now), now),
  endpoints: wire.upstream.endpoints.map((endpoint) => endpointPicture(endpoint, now)),
  retryBudget: { tokens: Math.floor(budget.tokens(now)), capacity: Math.floor(budget.capacity(now)) },
});

const dnsPicture = (dns: DnsView | null, now: number): UpstreamPicture['dns'] => {
  if (dns === null) return null;
  const { host, resolvedAgoMs, isStale, lastFailure } = dns;
  return {
    name: host,
    resolvedAtMs: resolvedAgoMs < 0 ? null : Math.round(now - resolvedAgoMs),
    stale: isStale,
    lastFailure:
      lastFailure === null
        ? null
        : { detail: lastFailure.detail, failedAtMs: Math.round(now - lastFailure.agoMs) },
  };
};

const endpointPicture = (endpoint: Endpoint, now: number): EndpointPicture => ({
  address: endpoint.label,
  inFlight: endpoint.inFlight,
  consecutiveFailures: endpoint.consecutiveFailures,
  attempts: endpoint.attempts,
  failures: endpoint.failures,
  passedOverUntilMs: endpoint.passedOverUntil > now ? Math.round(endpoint.passedOverUntil) : null,
});
