import type { Clock } from '../lib/clock.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { Bus, DiscoveryChange, EndpointChange, LookupResult } from '../telemetry/events.ts';
import { pickEndpoint } from './balancer.ts';
import { Discovery, type DiscoveryStatus } from './discovery.ts';
import { Endpoint, formatAddress } from './endpoint.ts';
import type { ResolvedAddress } from './lookup.ts';
import { type Authority, NamedEndpoints } from './named-endpoints.ts';
import { noteBrokenBody, noteEnd, noteStart, type Standing } from './passing-over.ts';
import { isLocalhost, type Resolver } from './resolver.ts';
import type { Address, EndpointSource } from './sources.ts';

export interface UpstreamOptions {
  readonly name: string;
  readonly source: EndpointSource;
  readonly resolver: Pick<Resolver, 'resolve'>;
  readonly clock: Clock;
  /** 0 ≤ x < 1: for the choice of two, and for jitter. */
  readonly random: () => number;
  /** Hears of endpoints that come, go, are passed over and are available again, not of those it begins with; and of names. */
  readonly bus: Pick<Bus, 'endpointChanged' | 'endpointSetChanged' | 'discoveryChanged'>;
}

/** A declared name as the admin interface and the metrics see it. */
export interface DnsView extends DiscoveryStatus {
  readonly host: string;
  readonly lookups: Readonly<Record<LookupResult, number>>;
}

/** A named dependency: the set of its endpoints, however it comes about, and the choice among them. */
export class Upstream {
  readonly name: string;
  readonly #options: UpstreamOptions;
  readonly #discovery: Discovery | null;
  readonly #named: NamedEndpoints | null;
  #endpoints: readonly Endpoint[];
  #isClosed = false;

  constructor(options: UpstreamOptions) {
    this.name = options.name;
    this.#options = options;
    const { source } = options;
    this.#endpoints = initialAddresses(source).map((address) => new Endpoint(address));
    // Both addresses of localhost are one server, and a good one may well listen on only one of them: resolved when
    // dialled, the second is tried where the first refuses. As two endpoints every other attempt would fail.
    this.#discovery =
      source.kind === 'dns' && !isLocalhost(source.host.toLowerCase()) ? this.#discover(source) : null;
    this.#named =
      source.kind === 'named'
        ? new NamedEndpoints({
            endpointAdded: (endpoint) => this.#change([endpoint], [], 'named by the app'),
            endpointRemoved: (endpoint) => this.#change([], [endpoint], 'idle for longest'),
          })
        : null;
  }

  /** The set as it is now: another array when it changes, never the same one changed. */
  get endpoints(): readonly Endpoint[] {
    return this.#endpoints;
  }

  /** False while a declared name has never been asked for with any result: start-up waits for that, not for success. */
  get dnsTried(): boolean {
    return this.#discovery === null || this.#discovery.isTried;
  }

  /** What is known of its name; null: none is resolved in the background. */
  dns(now: number): DnsView | null {
    const { source } = this.#options;
    if (this.#discovery === null || source.kind !== 'dns') return null;
    return { host: source.host, lookups: this.#discovery.lookups, ...this.#discovery.status(now) };
  }

  /** Begins to resolve a declared name in the background. */
  start(): void {
    this.#discovery?.start();
  }

  /**
   * Nobody new is led here: stops that and closes idle connections. Exchanges that began before still find the endpoints,
   * for their retries and for those that wait in a queue.
   */
  close(): void {
    this.#isClosed = true;
    this.#discovery?.close();
    for (const endpoint of this.#endpoints) retire(endpoint);
  }

  /** Another list of fixed addresses. */
  setAddresses(addresses: readonly Address[], why: string): void {
    this.#replace(addresses, why);
  }

  /**
   * Where the next attempt goes, not to `avoid` (the endpoint of the one before) if another is available; null: there is
   * none. `authority` matters only where the app's word is what is dialled.
   */
  pick(now: number, avoid: Endpoint | null, authority: Authority): Endpoint | null {
    if (this.#named !== null) return this.#named.get(authority);
    return pickEndpoint(this.#endpoints, now, avoid, this.#options.random);
  }

  /** To be called before each attempt, in the same tick as the `pick`. */
  attemptStarted(endpoint: Endpoint): void {
    noteStart(endpoint, this.#options.clock);
  }

  /** To be called exactly once for each started attempt. */
  attemptSettled(endpoint: Endpoint, outcome: Outcome, now: number): void {
    this.#stands(endpoint, noteEnd(endpoint, outcome, now, this.#options.random), outcome, now);
  }

  /** The content of an answer broke off after the attempt was settled. */
  bodyFailed(endpoint: Endpoint, outcome: Outcome, now: number): void {
    this.#stands(endpoint, noteBrokenBody(endpoint, outcome, now, this.#options.random), outcome, now);
  }

  /** A connection stays open beyond its attempt: it weighs on the endpoint as one in flight until it is closed. */
  tunnelOpened(endpoint: Endpoint): void {
    endpoint.inFlight += 1;
  }

  tunnelClosed(endpoint: Endpoint): void {
    endpoint.inFlight -= 1;
  }

  #stands(endpoint: Endpoint, standing: Standing, outcome: Outcome, now: number): void {
    if (standing === 'unchanged' || endpoint.isRemoved) return;
    if (standing === 'available') this.#emit(endpoint, 'available', 'it answered');
    else this.#emit(endpoint, 'passed_over', describePassingOver(endpoint, outcome, now));
  }

  #discover(source: { readonly host: string; readonly port: number }): Discovery {
    const { resolver, clock, random, bus, name } = this.#options;
    const { host, port } = source;
    const tell = (change: DiscoveryChange['change'], why: string): void =>
      bus.discoveryChanged({ upstream: name, host, change, why, at: clock.wallTime() });
    return new Discovery({
      host,
      port,
      resolver,
      clock,
      random,
      onAddresses: (addresses, why) => this.#replace(addresses.map(withPort(port)), why),
      onFailing: (why) => tell('failing', why),
      onRecovered: (why) => tell('recovered', why),
    });
  }

  /** Endpoints whose address stays are kept with all that is known of them. */
  #replace(addresses: readonly Address[], why: string): void {
    const known = new Map(this.#endpoints.map((endpoint) => [endpoint.label, endpoint]));
    const staying = new Set<Endpoint>();
    const coming = new Map<string, Endpoint>();
    for (const address of addresses) {
      const label = formatAddress(address);
      const endpoint = known.get(label);
      if (endpoint !== undefined) staying.add(endpoint);
      else if (!coming.has(label)) coming.set(label, new Endpoint(address));
    }
    const leaving = this.#endpoints.filter((endpoint) => !staying.has(endpoint));
    this.#change([...coming.values()], leaving, why);
  }

  #change(added: readonly Endpoint[], removed: readonly Endpoint[], why: string): void {
    if (added.length === 0 && removed.length === 0) return;
    const gone = new Set(removed);
    this.#endpoints = [...this.#endpoints.filter((endpoint) => !gone.has(endpoint)), ...added];
    for (const endpoint of this.#isClosed ? [...added, ...removed] : removed) retire(endpoint);
    const { bus, clock } = this.#options;
    bus.endpointSetChanged({
      upstream: this.name,
      added: added.map(({ label }) => label),
      removed: removed.map(({ label }) => label),
      size: this.#endpoints.length,
      why,
      at: clock.wallTime(),
    });
  }

  #emit(endpoint: Endpoint, change: EndpointChange['change'], why: string): void {
    const { bus, clock } = this.#options;
    bus.endpointChanged({ upstream: this.name, endpoint: endpoint.label, change, why, at: clock.wallTime() });
  }
}

/** What an upstream begins with. A declared name is dialled by its name until the first good answer. */
const initialAddresses = (source: EndpointSource): readonly Address[] => {
  switch (source.kind) {
    case 'static':
      return source.addresses;
    case 'dns':
      return [{ kind: 'name', host: source.host, port: source.port }];
    case 'named':
      return [];
  }
};

/** An address of a declared name; a service's records say its port. */
const withPort =
  (port: number) =>
  ({ host, port: ownPort = port }: ResolvedAddress): Address => ({ kind: 'ip', host, port: ownPort });

const retire = (endpoint: Endpoint): void => {
  endpoint.isRemoved = true;
  endpoint.connections?.close();
};

const describePassingOver = (endpoint: Endpoint, outcome: Outcome, now: number): string => {
  const detail = outcome.kind === 'failure' && outcome.detail !== '' ? ` (${outcome.detail})` : '';
  const seconds = ((endpoint.passedOverUntil - now) / 1000).toFixed(1);
  return `${outcome.kind === 'failure' ? outcome.reason : outcome.kind}${detail}, for ${seconds} s`;
};
