import { formatListenAddress } from '../config/addresses.ts';
import type { ListenAddress, Settings } from '../config/settings.ts';
import { serverBounds } from '../http1/limits.ts';
import type { Cap } from '../lib/cap.ts';
import type { TimeoutQueues } from '../lib/timeout-queues.ts';
import { Departures } from '../listener/departures.ts';
import { HttpListener, type HttpListenerLimits } from '../listener/http.ts';
import { type DataListener, Port } from '../listener/listening.ts';
import { TcpListener } from '../listener/tcp.ts';
import { type Rejected, rejected } from '../policy/outcome.ts';
import type { ForwardContext } from '../proxy/plan.ts';
import { type EgressRoutes, routeEgress, routeOwnPort, type UpstreamRoutes } from '../proxy/route.ts';
import type { CommandRecorder } from '../telemetry/events.ts';
import { listenError, StartError } from './start-error.ts';

/** Where what comes in is led to, as the configuration in force says it: asked for each request. */
export interface Directions {
  egress(): EgressRoutes;
  /** Of the upstream with this name; undefined: there is none any more. */
  upstream(name: string): UpstreamRoutes | undefined;
}

export interface ListenersOptions {
  readonly context: ForwardContext;
  readonly timeouts: TimeoutQueues;
  readonly unrouted: CommandRecorder;
  readonly cap: Cap;
  readonly directions: Directions;
}

/** A port as the configuration asks for it. */
interface Wanted {
  readonly address: ListenAddress;
  /** The setting that moves it. */
  readonly remedy: string;
  readonly protocol: 'http' | 'tcp';
  /** The upstream that it leads to; null: it is the egress port. */
  readonly upstream: string | null;
}

/** A port that is open, and who takes its connections. */
interface Open {
  readonly wanted: Wanted;
  readonly address: ListenAddress;
  readonly port: Port;
  readonly listener: DataListener;
}

/** Ports that a configuration needs and that were not open yet: they are by now, and nobody is let in. */
export interface PreparedPorts {
  /** Takes the configuration's ports into service and the others out of it. */
  commit(): void;
  /** Closes what was opened. */
  undo(): void;
}

/** The ports of the data path, over all configurations. */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #departures: Departures;
  /** By {@link keyOf}. */
  #open = new Map<string, Open>();
  /** They let nobody in any more, and have connections still. */
  #retired: DataListener[] = [];

  constructor(options: ListenersOptions) {
    this.#options = options;
    this.#departures = new Departures(options.context.clock);
  }

  get egress(): ListenAddress | null {
    return this.#opened().find(({ wanted }) => wanted.upstream === null)?.address ?? null;
  }

  /** Ports that upstreams have of their own, by upstream name. */
  get own(): ReadonlyMap<string, ListenAddress> {
    const own = new Map<string, ListenAddress>();
    for (const { wanted, address } of this.#opened()) {
      if (wanted.upstream !== null) own.set(wanted.upstream, address);
    }
    return own;
  }

  /** Connections on which something is under way. */
  get busy(): number {
    return this.#all().reduce((sum, listener) => sum + listener.busy, 0);
  }

  /** What has begun on the ports that are open. */
  get begun(): number {
    return this.#all().reduce((sum, listener) => sum + listener.begun, 0);
  }

  /** Opens the ports that are not open yet; when one cannot be had, none is, and it rejects with a StartError. */
  async prepare(settings: Settings): Promise<PreparedPorts> {
    const ports = new Map<string, { readonly port: Port; readonly address: ListenAddress }>();
    const undo = (): void => {
      for (const { port } of ports.values()) void port.close();
    };
    for (const wanted of wantedBy(settings)) {
      const key = keyOf(wanted);
      if (this.#open.has(key)) continue;
      const { host, port: number } = wanted.address;
      const port = new Port();
      try {
        ports.set(key, { port, address: await port.listen(host, number) });
      } catch (error) {
        undo();
        throw (
          this.#overlap(error, wanted) ??
          listenError(error, formatListenAddress(wanted.address), wanted.remedy)
        );
      }
    }
    return { commit: () => this.#commit(settings, ports), undo };
  }

  /** Goes on serving, and ends each connection after its next answer. */
  drain(): void {
    for (const listener of this.#all()) listener.drain();
  }

  /** Closes every port and breaks off what is under way on them. */
  async close(): Promise<void> {
    const closed = this.#opened().map(({ port }) => port.close());
    for (const listener of this.#all()) listener.abandon();
    await Promise.all(closed);
    this.#departures.close();
  }

  /** Where it is a port of our own that is in the way, which stays open until the new configuration is in force. */
  #overlap(error: unknown, { address }: Wanted): StartError | null {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return null;
    const own = this.#opened().find((open) => open.address.port === address.port);
    if (own === undefined) return null;
    const [wanted, open] = [formatListenAddress(address), formatListenAddress(own.address)];
    const message = `${wanted} overlaps with ${open}, which is still open: move it over another port, or restart`;
    return new StartError('address_in_use', message, error);
  }

  #commit(
    settings: Settings,
    ports: ReadonlyMap<string, { readonly port: Port; readonly address: ListenAddress }>,
  ): void {
    const limits = limitsOf(settings);
    const before = this.#open;
    this.#open = new Map();
    this.#retired = this.#retired.filter(({ open }) => open > 0);
    for (const wanted of wantedBy(settings)) {
      const key = keyOf(wanted);
      const known = before.get(key);
      before.delete(key);
      if (known !== undefined && isSameLead(known.wanted, wanted)) {
        if (known.listener instanceof HttpListener) known.listener.update(limits);
        this.#open.set(key, known);
        continue;
      }
      const { port, address } = known ?? ports.get(key)!;
      const listener = this.#newListener(wanted, address, limits);
      if (known !== undefined) this.#retire(known.listener);
      this.#open.set(key, { wanted, address, port, listener });
      port.leadTo(listener);
    }
    for (const { port, listener } of before.values()) {
      void port.close();
      this.#retire(listener);
    }
  }

  #retire(listener: DataListener): void {
    listener.drain();
    this.#retired.push(listener);
  }

  #newListener(wanted: Wanted, address: ListenAddress, limits: HttpListenerLimits): DataListener {
    const { context, cap, directions, timeouts, unrouted } = this.#options;
    const { upstream, protocol } = wanted;
    const departures = this.#departures;
    if (upstream !== null && protocol === 'tcp') {
      return new TcpListener({ context, cap, address, route: () => directions.upstream(upstream)! });
    }
    const route: ConstructorParameters<typeof HttpListener>[0]['route'] =
      upstream === null
        ? (head) => routeEgress(head, directions.egress())
        : (head) => {
            const routes = directions.upstream(upstream);
            return routes === undefined ? gone : routeOwnPort(head, routes);
          };
    return new HttpListener({ context, cap, departures, timeouts, unrouted, limits, route });
  }

  #opened(): readonly Open[] {
    return [...this.#open.values()];
  }

  #all(): readonly DataListener[] {
    return [...this.#opened().map(({ listener }) => listener), ...this.#retired];
  }
}

/** For who kept a connection to the port of an upstream that is no longer there. */
const gone: Rejected = Object.freeze(
  rejected('no_route', -1, 'The upstream of this port is no longer in the configuration'),
);

/** Where the system chooses the port, the address does not tell two of them apart. */
const keyOf = ({ address, upstream }: Wanted): string =>
  address.port === 0 ? `${address.host} of ${upstream ?? ''}` : formatListenAddress(address);

const isSameLead = (a: Wanted, b: Wanted): boolean => a.upstream === b.upstream && a.protocol === b.protocol;

const wantedBy = ({ egress, upstreams }: Settings): readonly Wanted[] => {
  const wanted: Wanted[] = [
    { address: egress.address, remedy: '--egress or egress.address', protocol: 'http', upstream: null },
  ];
  for (const { name, listen, protocol } of upstreams) {
    if (listen === null) continue;
    wanted.push({ address: listen, remedy: `upstreams.${name}.listen`, protocol, upstream: name });
  }
  return wanted;
};

const limitsOf = ({ limits }: Settings): HttpListenerLimits => ({
  bounds: serverBounds(limits),
  timeouts: {
    headMs: limits.headTimeoutMs,
    keepAliveMs: limits.keepAliveMs,
    bodyIdleMs: limits.requestBodyIdleMs,
    writeStallMs: limits.writeStallMs,
  },
});
