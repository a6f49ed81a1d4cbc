import type { RouteSettings, Settings, UpstreamSettings } from '../config/settings.ts';
import type { Authority } from '../http1/grammar.ts';
import { formatAuthority } from '../http1/grammar.ts';
import type { WireLimits } from '../http1/limits.ts';
import { TimeoutQueues } from '../lib/timeout-queues.ts';
import { RetryBudget } from '../policy/budget.ts';
import type { Bulkhead } from '../policy/bulkhead.ts';
import { Classifier } from '../policy/classify.ts';
import { Fallback, type FallbackSource, noFallback } from '../policy/fallback.ts';
import type { FailureSettings, FallbackSettings, PolicySettings } from '../policy/policies.ts';
import { RetryPolicy } from '../policy/retry.ts';
import type { ForwardContext, Plan } from '../proxy/plan.ts';
import { type Destination, defaultPort, type UpstreamRoutes } from '../proxy/route.ts';
import { RouteIndex, type RouteRule } from '../proxy/route-index.ts';
import { standInOf } from '../proxy/stand-in.ts';
import type { UnlistedDestination } from '../proxy/unlisted.ts';
import type { Commands } from '../telemetry/commands.ts';
import type { UnlistedRules } from '../upstream/address-rules.ts';
import type { Resolver } from '../upstream/resolver.ts';
import type { Registry } from './registry.ts';
import { isSameWire, type Wire, WireBuilder } from './wire-builder.ts';

/** What every plan is built from. */
export interface PlanParts {
  readonly context: ForwardContext;
  readonly registry: Registry;
  readonly commands: Commands;
  readonly resolver: Resolver;
  readonly unlistedRules: UnlistedRules;
}

/** A declared upstream as it runs. */
export interface BuiltUpstream {
  readonly settings: UpstreamSettings;
  readonly wire: Wire;
  readonly budget: RetryBudget;
  readonly routes: UpstreamRoutes;
}

/** What was running under the same name before a reload. */
export interface Predecessor {
  readonly built: BuiltUpstream;
  /** True where the limits that wires are built with are what they were. */
  readonly hasSameLimits: boolean;
}

/** What the commands of one upstream share. */
interface Shared {
  readonly upstreamName: string;
  readonly isUnlisted: boolean;
  readonly wire: Wire;
  readonly budget: RetryBudget;
}

/** Puts the plans together: the only place where policies, upstreams and transports meet. */
export class PlanBuilder {
  /** One for each duration that a configuration ever named. */
  readonly timeouts: TimeoutQueues;
  readonly #parts: PlanParts;
  readonly #wires: WireBuilder;
  /** By what they are told of failures: nearly all routes say the same. */
  readonly #classifiers = new Map<string, Classifier>();

  constructor(parts: PlanParts) {
    this.#parts = parts;
    this.timeouts = new TimeoutQueues(parts.context.clock);
    this.#wires = new WireBuilder({ ...parts, timeouts: this.timeouts });
  }

  /**
   * An upstream with a command for each route and one for what no route matches. What has a memory is taken over from
   * who had its name before: breakers and bulkheads with the registry's help, the budget, and as long as they are spoken
   * to in the same way the endpoints with their connections.
   */
  upstream(settings: UpstreamSettings, limits: WireLimits, previous: Predecessor | null): BuiltUpstream {
    const { name, policy, hostHeader } = settings;
    const shared: Shared = {
      upstreamName: name,
      isUnlisted: false,
      wire: this.#wire(settings, limits, previous),
      budget: this.#budget(policy, previous?.built.budget ?? null),
    };
    const bulkhead = this.#parts.registry.bulkhead(name, policy.bulkhead);
    const plan = this.#command(name, '', shared, policy, bulkhead);
    const rules = settings.routes.map((route) => this.#rule(route, shared, bulkhead));
    const index = rules.length === 0 ? null : new RouteIndex(rules);
    const destination = ownPortDestination(settings);
    const routes = { routes: index, plan, destination, hostHeader, isTls: settings.tls !== null };
    return { settings, wire: shared.wire, budget: shared.budget, routes };
  }

  /** A destination that no upstream names. `name` is `host:port`; `before` is its plan until now, where it has one. */
  unlisted(name: string, authority: Authority, settings: Settings, before: Plan | null): UnlistedDestination {
    const { registry, commands } = this.#parts;
    const policy = settings.unlistedPolicy;
    const wire = this.#wires.unlisted(name, authority, settings.unlistedPool, settings.limits);
    const { upstream } = wire;
    const shared: Shared = {
      upstreamName: name,
      isUnlisted: true,
      wire,
      budget: this.#budget(policy, before?.budget ?? null),
    };
    const bulkhead = registry.bulkhead(name, policy.bulkhead);
    const plan = this.#command(name, '', shared, policy, bulkhead);
    // A tunnel gives its slot back when it is open; the endpoint knows of it.
    const hasTunnels = () => upstream.endpoints.some(({ inFlight }) => inFlight > 0);
    const isUnused = () => bulkhead.inFlight === 0 && bulkhead.queued === 0 && !hasTunnels();
    return {
      plan,
      mayMakeRoom: () => isUnused() && registry.isAtRest(name),
      isForgettable: (now) => isUnused() && !registry.isNeeded(name, now),
      replaced: () => upstream.close(),
      close: () => {
        commands.close(name);
        registry.drop(name);
        upstream.close();
      },
    };
  }

  close(): void {
    this.timeouts.close();
  }

  #wire(settings: UpstreamSettings, limits: WireLimits, previous: Predecessor | null): Wire {
    const known = previous?.hasSameLimits === true ? previous.built : null;
    if (known === null || !isSameWire(known.settings, settings)) return this.#wires.listed(settings, limits);
    if (settings.source.kind === 'static') {
      known.wire.upstream.setAddresses(settings.source.addresses, 'the configuration changed');
    }
    return known.wire;
  }

  #budget(policy: PolicySettings, known: RetryBudget | null): RetryBudget {
    const now = this.#parts.context.clock.now();
    known?.update(policy.retry.budget, now);
    return known ?? new RetryBudget(policy.retry.budget, now);
  }

  #classifier(settings: FailureSettings): Classifier {
    const key = JSON.stringify(settings);
    const classifier = this.#classifiers.get(key) ?? new Classifier(settings);
    this.#classifiers.set(key, classifier);
    return classifier;
  }

  #fallback(name: string, settings: FallbackSettings): FallbackSource {
    if (settings.on.length === 0) return noFallback;
    return new Fallback(settings, this.#parts.registry.fallbackPlaces(name, settings.concurrency));
  }

  #rule(route: RouteSettings, shared: Shared, bulkhead: Bulkhead): RouteRule {
    const name = `${shared.upstreamName}.${route.name}`;
    const own = route.hasOwnBulkhead ? this.#parts.registry.bulkhead(name, route.policy.bulkhead) : bulkhead;
    const plan = this.#command(name, route.name, shared, route.policy, own);
    return { methods: route.match.methods, path: route.match.path, plan };
  }

  #command(
    name: string,
    routeName: string,
    shared: Shared,
    policy: PolicySettings,
    bulkhead: Bulkhead,
  ): Plan {
    const { registry, commands } = this.#parts;
    const breaker = registry.breaker(name, policy.breaker, bulkhead);
    const { upstreamName, isUnlisted, wire, budget } = shared;
    const description = { name, upstream: upstreamName, route: routeName, isUnlisted, settings: policy };
    const { timeouts } = this;
    const common = {
      kind: 'plan',
      upstreamName,
      isUnlisted,
      upstream: wire.upstream,
      budget,
      routeName,
      breaker,
      bulkhead,
      retry: new RetryPolicy(policy.retry),
      classifier: this.#classifier(policy.failure),
      standIn: standInOf(policy.fallback),
      timeouts: {
        connectMs: policy.timeout.connectMs,
        attempt: timeouts.of(policy.timeout.attemptMs),
        total: timeouts.of(policy.timeout.totalMs),
        idle: timeouts.of(policy.timeout.idleMs),
        body: timeouts.of(policy.timeout.bodyMs),
        earlyReset: timeouts.of(policy.tcp.earlyResetMs),
      },
      replayBytes: policy.retry.attempts > 1 ? policy.retry.bodyLimitBytes : 0,
      repeatsAll: policy.retry.nonIdempotent,
      upgrades: policy.upgrade,
      recorder: commands.open({ ...description, breaker, bulkhead }),
    } as const;
    // No answer can stand in for a connection.
    const tunnel: Plan = {
      ...common,
      transport: wire.tunnels,
      fallback: noFallback,
      get tunnel() {
        return tunnel;
      },
    };
    if (wire.transport === null) return tunnel;
    return { ...common, transport: wire.transport, fallback: this.#fallback(name, policy.fallback), tunnel };
  }
}

/** On its own port an upstream is called by its first name. */
const ownPortDestination = ({ hosts, name, hostHeader, tls }: UpstreamSettings): Destination => {
  const first = hosts[0] ?? { host: name, port: 0 };
  const authority = { host: first.host, port: first.port === 0 ? defaultPort(tls !== null) : first.port };
  return { authority, host: hostHeader ?? formatAuthority(first) };
};
