import { isDeepStrictEqual } from 'node:util';
import type { UpstreamSettings } from '../config/settings.ts';
import type { Authority } from '../http1/grammar.ts';
import { clientBounds, type WireLimits } from '../http1/limits.ts';
import type { TimeoutQueues } from '../lib/timeout-queues.ts';
import type { ForwardContext } from '../proxy/plan.ts';
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

/** How exchanges get to an upstream: its endpoints, with their connections, and who carries attempts to them. */
export interface Wire {
  readonly upstream: Upstream;
  /** For requests; null: its connections carry none. */
  readonly transport: Transport | null;
  readonly tunnels: Transport;
}

export interface WireParts {
  readonly context: Pick<ForwardContext, 'clock' | 'random' | 'bus'>;
  readonly timeouts: TimeoutQueues;
  readonly resolver: Resolver;
  readonly unlistedRules: UnlistedRules;
}

/** True where the two name the same endpoints, or lists of fixed ones, to be spoken to in the same way. */
export const isSameWire = (a: UpstreamSettings, b: UpstreamSettings): boolean => {
  const areLists = a.source.kind === 'static' && b.source.kind === 'static';
  const spoken = ({ protocol, tls, transport, pool, source }: UpstreamSettings) => ({
    protocol,
    tls,
    transport,
    pool,
    source: areLists ? null : source,
  });
  return isDeepStrictEqual(spoken(a), spoken(b));
};

/** True where both bound what upstreams may answer alike: the other limits are about clients. */
export const isSameForWires = (a: WireLimits, b: WireLimits): boolean =>
  isDeepStrictEqual(clientBounds(a), clientBounds(b));

/** Puts upstreams and transports together. */
export class WireBuilder {
  readonly #parts: WireParts;
  readonly #listedDialer: Dialer;
  readonly #streamDialer: Dialer;
  readonly #unlistedDialer: Dialer;

  constructor(parts: WireParts) {
    this.#parts = parts;
    const { context, timeouts, resolver, unlistedRules } = parts;
    const dialing = { clock: context.clock, timeouts, resolver };
    this.#listedDialer = new Dialer({ ...dialing, rules: null });
    this.#streamDialer = new Dialer({ ...dialing, rules: null, connect: connectForStreams });
    this.#unlistedDialer = new Dialer({ ...dialing, rules: unlistedRules });
  }

  listed(settings: UpstreamSettings, limits: WireLimits): Wire {
    const { name, protocol, source } = settings;
    return {
      upstream: this.#newUpstream(name, source),
      transport: protocol === 'tcp' ? null : this.#listedTransport(settings, limits),
      // Who sends CONNECT speaks TLS itself, if at all.
      tunnels: this.#newTunnels(protocol === 'tcp' ? this.#dialerOf(settings) : this.#listedDialer),
    };
  }

  /** Of a destination that no upstream names. */
  unlisted(name: string, authority: Authority, pool: PoolSettings, limits: WireLimits): Wire {
    return {
      upstream: this.#newUpstream(name, { kind: 'static', addresses: [addressOf(authority)] }),
      transport: this.#newTransport(this.#unlistedDialer, pool, limits),
      tunnels: this.#newTunnels(this.#unlistedDialer),
    };
  }

  #newUpstream(name: string, source: EndpointSource): Upstream {
    const { context, resolver } = this.#parts;
    const { clock, random, bus } = context;
    const upstream = new Upstream({ name, source, resolver, clock, random, bus });
    upstream.start();
    return upstream;
  }

  /** undici is the one of the two that speaks HTTP/2. */
  #listedTransport(settings: UpstreamSettings, limits: WireLimits): Transport {
    const { transport, tls, pool } = settings;
    const isHttp2 = tls?.alpn.includes('h2') === true;
    if (transport === 'native' && !isHttp2) return this.#newTransport(this.#dialerOf(settings), pool, limits);
    const { clock } = this.#parts.context;
    const dialer = this.#dialerOf(settings, true);
    return new UndiciTransport({ clock, dialer, pool, bounds: clientBounds(limits) });
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

  #newTransport(dialer: Connector, pool: PoolSettings, limits: WireLimits): Http1Transport {
    const { clock } = this.#parts.context;
    return new Http1Transport({ clock, dialer, pool, bounds: clientBounds(limits) });
  }

  #newTunnels(dialer: Connector): Transport {
    return new TcpTransport({ clock: this.#parts.context.clock, dialer });
  }
}

const addressOf = ({ host, port }: Authority): Address =>
  parseIpLiteral(host) === null ? { kind: 'name', host, port } : { kind: 'ip', host, port };
