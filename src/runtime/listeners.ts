import { formatListenAddress } from '../config/addresses.ts';
import type { ListenAddress, Settings } from '../config/settings.ts';
import type { Authority } from '../http1/grammar.ts';
import { serverBounds } from '../http1/limits.ts';
import { Cap } from '../lib/cap.ts';
import { Departures } from '../listener/departures.ts';
import { HttpListener, type HttpListenerOptions } from '../listener/http.ts';
import type { DataListener } from '../listener/listening.ts';
import { TcpListener } from '../listener/tcp.ts';
import { type Rejected, rejected } from '../policy/outcome.ts';
import type { ForwardContext, Plan } from '../proxy/plan.ts';
import { type EgressRoutes, routeEgress, routeOwnPort, type UpstreamRoutes } from '../proxy/route.ts';
import type { CommandRecorder } from '../telemetry/events.ts';
import type { BuiltUpstream } from './plan-builder.ts';
import { listenError } from './start-error.ts';

/** The ports of the data path. */
export interface Listeners {
  readonly egress: ListenAddress;
  /** By upstream name. */
  readonly own: ReadonlyMap<string, ListenAddress>;
  readonly all: readonly DataListener[];
  /** Closes every port and breaks off what is under way on them. */
  close(): Promise<void>;
}

export interface ListenersOptions {
  readonly settings: Settings;
  readonly context: ForwardContext;
  readonly unrouted: CommandRecorder;
  /** A plan for a destination that no upstream names. */
  readonly unlisted: (authority: Authority) => Plan | Rejected;
  readonly upstreams: readonly BuiltUpstream[];
  /** True for an authority that names one of our own listeners. */
  readonly isOurOwn: (authority: Authority) => boolean;
}

const unlistedDenied: Rejected = Object.freeze(
  rejected('unlisted_destination', -1, 'Add an upstream for it, or set egress.unlisted to allow'),
);

/** Opens every port; when one cannot be had, those that were opened are closed again and it rejects with a StartError. */
export const openListeners = async (options: ListenersOptions): Promise<Listeners> => {
  const { settings, upstreams } = options;
  const shared = {
    cap: new Cap(settings.egress.maxConnections),
    departures: new Departures(options.context.clock),
  };
  const open: DataListener[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(open.map((listener) => listener.close()));
    shared.departures.close();
  };
  const listen = async (address: ListenAddress, remedy: string, listener: HttpListener | TcpListener) => {
    try {
      const bound = await listener.listen(address.host, address.port);
      open.push(listener);
      return bound;
    } catch (error) {
      await close();
      throw listenError(error, formatListenAddress(address), remedy);
    }
  };
  const http = (route: HttpListenerOptions['route']) =>
    new HttpListener({ ...listenerOptions(options), ...shared, route });
  const routes = egressRoutes(options);
  const egress = await listen(
    settings.egress.address,
    '--egress or egress.address',
    http((head) => routeEgress(head, routes)),
  );
  const own = new Map<string, ListenAddress>();
  for (const { settings: upstream, routes: its } of upstreams) {
    if (upstream.listen === null) continue;
    const listener =
      upstream.protocol === 'tcp'
        ? new TcpListener({ context: options.context, cap: shared.cap, ...its })
        : http((head) => routeOwnPort(head, its));
    own.set(upstream.name, await listen(upstream.listen, `upstreams.${upstream.name}.listen`, listener));
  }
  return { egress, own, all: open, close };
};

const listenerOptions = ({ settings, context, unrouted }: ListenersOptions) => ({
  context,
  unrouted,
  bounds: serverBounds(settings.limits),
  timeouts: {
    headMs: settings.limits.headTimeoutMs,
    keepAliveMs: settings.limits.keepAliveMs,
    bodyIdleMs: settings.limits.requestBodyIdleMs,
    writeStallMs: settings.limits.writeStallMs,
  },
});

const egressRoutes = ({ settings, upstreams, unlisted, isOurOwn }: ListenersOptions): EgressRoutes => {
  const byHost = new Map<string, UpstreamRoutes>();
  for (const { settings: upstream, routes } of upstreams) {
    for (const { host, port } of upstream.hosts) byHost.set(port === 0 ? host : `${host}:${port}`, routes);
  }
  return {
    byHost,
    isOurOwn,
    unlisted: settings.egress.unlisted === 'allow' ? unlisted : () => unlistedDenied,
  };
};
