import type { RouteSettings, Settings, UpstreamSettings } from '../config/settings.ts';
import type { Authority } from '../http1/grammar.ts';
import { formatAuthority } from '../http1/grammar.ts';
import { type ClientBounds, clientBounds } from '../http1/limits.ts';
import { TimeoutQueues } from '../lib/timeout-queues.ts';
import { RetryBudget } from '../policy/budget.ts';
import type { Bulkhead } from '../policy/bulkhead.ts';
import { Classifier } from '../policy/classify.ts';
import { Fallback, noFallback } from '../policy/fallback.ts';
import type { PolicySettings } from '../policy/policies.ts';
import { RetryPolicy } from '../policy/retry.ts';
import type { ForwardContext, Plan } from '../proxy/plan.ts';
import { byPrecedence, type Destination, defaultPort, type UpstreamRoutes } from '../proxy/route.ts';
import { standInOf } from '../proxy/stand-in.ts';
import type { UnlistedDestination } from '../proxy/unlisted.ts';
import type { Commands } from '../telemetry/commands.ts';
import type { UnlistedRules } from '../upstream/address-rules.ts';
import { parseIpLiteral } from '../upstream/address-rules.ts';
import { type Connector, connectForStreams, Dialer } from '../upstream/dialer.ts';
import { Http1Transport } from '../upstream/http1-transport.ts';
import type { Resolver } from '../upstream/resolver.ts';
import type { Address, EndpointSource, PoolSettings } from '../upstream/sources.ts';
import { TcpTransport } from '../upstream/tcp-transport.ts';
import { TlsContextSource } from '../upstream/tls-context.ts';
import { TlsDialer } from '../upstream/tls-dialer.ts';
import type { Transport } from '../upstream/transport.ts';
import { UndiciTransport } from '../upstream/undici-transport.ts';
import { Upstream } from '../upstream/upstream.ts';
import type { Registry } from './registry.ts';

/** What every plan is built from. */
export interface PlanParts {
  readonly context: ForwardContext;
  readonly settings: Settings;
  readonly registry: Registry;
  readonly commands: Commands;
  readonly resolver: Resolver;
  readonly unlistedRules: UnlistedRules;
}

/** A declared upstream as it runs. */
export interface BuiltUpstream {
  readonly settings: UpstreamSettings;
  readonly upstream: Upstream;
  readonly budget: RetryBudget;
  readonly routes: UpstreamRoutes;
}

/** What the commands of one upstream share. */
interface Shared {
  readonly upstreamName: string;
  readonly isUnlisted: boolean;
  readonly upstream: Upstream;
  /** For requests; null: its connections carry none. */
  readonly transport: Transport | null;
  readonly tunnels: Transport;
  readonly budget: RetryBudget;
}

/** Puts the plans together: the only place where policies, upstreams and transports meet. */
export class PlanBuilder {
  readonly #parts: PlanParts;
  readonly #timeouts: TimeoutQueues;
  readonly #bounds: ClientBounds;
  readonly #listedDialer: Dialer;
  readonly #streamDialer: Dialer;
  readonly #unlistedDialer: Dialer;

  constructor(parts: PlanParts) {
    this.#parts = parts;
    const { clock } = parts.context;
    this.#timeouts = new TimeoutQueues(clock);
    this.#bounds = clientBounds(parts.settings.limits);
    const dialing = { clock, timeouts: this.#timeouts, resolver: parts.resolver };
    this.#listedDialer = new Dialer({ ...dialing, rules: null });
    this.#streamDialer = new Dialer({ ...dialing, rules: null, connect: connectForStreams });
    this.#unlistedDialer = new Dialer({ ...dialing, rules: parts.unlistedRules });
  }

  /** An upstream with a command for each route and one for what no route matches. */
  upstream(settings: UpstreamSettings): BuiltUpstream {
    const { name, protocol, source, policy, hostHeader } = settings;
    const upstream = this.#newUpstream(name, source);
    const shared: Shared = {
      upstreamName: name,
      isUnlisted: false,
      upstream,
      transport: protocol === 'tcp' ? null : this.#listedTransport(settings),
      // Who sends CONNECT speaks TLS itself, if at all.
      tunnels: this.#newTunnels(protocol === 'tcp' ? this.#dialerOf(settings) : this.#listedDialer),
      budget: this.#newBudget(policy),
    };
    const bulkhead = this.#parts.registry.bulkhead(name, policy.bulkhead);
    const plan = this.#command(name, '', shared, policy, bulkhead);
    const rules = settings.routes.map((route) => this.#rule(route, shared, bulkhead)).sort(byPrecedence);
    const destination = ownPortDestination(settings);
    const routes = { rules, plan, destination, hostHeader, isTls: settings.tls !== null };
    return { settings, upstream, budget: shared.budget, routes };
  }

  /** A destination that no upstream names. `name` is `host:port`. */
  unlisted(name: string, authority: Authority): UnlistedDestination {
    const { settings, registry, commands } = this.#parts;
    const policy = settings.unlistedPolicy;
    const upstream = this.#newUpstream(name, { kind: 'static', addresses: [addressOf(authority)] });
    const shared: Shared = {
      upstreamName: name,
      isUnlisted: true,
      upstream,
      transport: this.#newTransport(this.#unlistedDialer, settings.unlistedPool),
      tunnels: this.#newTunnels(this.#unlistedDialer),
      budget: this.#newBudget(policy),
    };
    const bulkhead = registry.bulkhead(name, policy.bulkhead);
    const plan = this.#command(name, '', shared, policy, bulkhead);
    // A tunnel gives its slot back when it is open; the endpoint knows of it.
    const hasTunnels = () => shared.upstream.endpoints.some(({ inFlight }) => inFlight > 0);
    const isUnused = () => bulkhead.inFlight === 0 && bulkhead.queued === 0 && !hasTunnels();
    return {
      plan,
      mayMakeRoom: () => isUnused() && registry.isAtRest(name),
      isForgettable: (now) => isUnused() && !registry.isNeeded(name, now),
      close: () => {
        commands.close(name);
        registry.drop(name);
        upstream.close();
      },
    };
  }

  close(): void {
    this.#timeouts.close();
  }

  #rule(route: RouteSettings, shared: Shared, bulkhead: Bulkhead) {
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
    const { upstreamName, isUnlisted, upstream, transport, tunnels, budget } = shared;
    const description = { name, upstream: upstreamName, route: routeName, isUnlisted, settings: policy };
    const timeouts = this.#timeouts;
    const common = {
      kind: 'plan',
      upstreamName,
      isUnlisted,
      upstream,
      budget,
      routeName,
      breaker,
      bulkhead,
      retry: new RetryPolicy(policy.retry),
      classifier: new Classifier(policy.failure),
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
      transport: tunnels,
      fallback: noFallback,
      get tunnel() {
        return tunnel;
      },
    };
    if (transport === null) return tunnel;
    const fallback = policy.fallback.on.length === 0 ? noFallback : new Fallback(policy.fallback);
    return { ...common, transport, fallback, tunnel };
  }

  #newUpstream(name: string, source: EndpointSource): Upstream {
    const { context, resolver } = this.#parts;
    const { clock, random, bus } = context;
    const upstream = new Upstream({
      name,
      source,
      resolver,
      clock,
      random,
      bus,
    });
    upstream.start();
    return upstream;
  }

  /** undici is the one of the two that speaks HTTP/2. */
  #listedTransport(settings: UpstreamSettings): Transport {
    const { transport, tls, pool } = settings;
    const isHttp2 = tls?.alpn.includes('h2') === true;
    if (transport === 'native' && !isHttp2) return this.#newTransport(this.#dialerOf(settings), pool);
    const { clock } = this.#parts.context;
    const dialer = this.#dialerOf(settings, true);
    return new UndiciTransport({ clock, dialer, pool, bounds: this.#bounds });
  }

  /** `isStreamed`: its sockets are read as streams. */
  #dialerOf({ name, protocol, tls: written }: UpstreamSettings, isStreamed = false): Connector {
    if (written === null) return isStreamed ? this.#streamDialer : this.#listedDialer;
    // What is spoken over a TCP upstream's connections is not ours to name.
    const tls = protocol === 'tcp' ? { ...written, alpn: [] } : written;
    const { clock, bus } = this.#parts.context;
    const contexts = new TlsContextSource({ name, settings: tls, clock, bus });
    return new TlsDialer({ dialer: this.#listedDialer, contexts, settings: tls, isStreamed });
  }

  #newTransport(dialer: Connector, pool: PoolSettings): Http1Transport {
    return new Http1Transport({ clock: this.#parts.context.clock, dialer, pool, bounds: this.#bounds });
  }

  #newTunnels(dialer: Connector): Transport {
    return new TcpTransport({ clock: this.#parts.context.clock, dialer });
  }

  #newBudget(policy: PolicySettings): RetryBudget {
    return new RetryBudget(policy.retry.budget, this.#parts.context.clock.now());
  }
}

const addressOf = ({ host, port }: Authority): Address =>
  parseIpLiteral(host) === null ? { kind: 'name', host, port } : { kind: 'ip', host, port };

/** On its own port an upstream is called by its first name. */
const ownPortDestination = ({ hosts, name, hostHeader, tls }: UpstreamSettings): Destination => {
  const first = hosts[0] ?? { host: name, port: 0 };
  const authority = { host: first.host, port: first.port === 0 ? defaultPort(tls !== null) : first.port };
  return { authority, host: hostHeader ?? formatAuthority(first) };
};
