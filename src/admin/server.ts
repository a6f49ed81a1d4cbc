import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AdminSettings } from '../config/settings.ts';
import type { Clock } from '../lib/clock.ts';
import type { Commands } from '../telemetry/commands.ts';
import type { ListenTarget } from './admin-listener.ts';
import {
  AdminStartError,
  boundAddress,
  closeAdmin,
  formatListenTarget,
  listenAdmin,
} from './admin-listener.ts';
import type { AdminPort } from './admin-port.ts';
import { problem, sendProblem } from './admin-reply.ts';
import { AdminRoutes, needsNoToken } from './admin-routes.ts';
import { DashboardAssets } from './dashboard-assets.ts';
import { dashboardFiles } from './dashboard-files.ts';
import { EventStream } from './event-stream.ts';
import type { Guard } from './guard.ts';
import { crossSiteGuard, hostGuard, isLoopbackName, mutationGuard, tokenGuard } from './guard.ts';
import { renderEvents } from './hystrix-events.ts';
import { HystrixStream, type Render } from './hystrix-stream.ts';
import { renderConfig, renderUtilization } from './hystrix-summaries.ts';
import { isProbePath } from './probes.ts';
import { Sessions } from './session.ts';
import { StreamSlots } from './stream-slots.ts';

export interface AdminServerOptions {
  readonly settings: AdminSettings;
  readonly port: AdminPort;
  readonly clock: Clock;
  /** Hears of a defect in a handler; the caller of the admin interface gets 500. */
  readonly onDefect: (error: unknown) => void;
}

/** The running admin interface. */
export interface AdminServer {
  readonly address: ListenTarget;
  /** Null: no listener of its own for probes. */
  readonly probesAddress: ListenTarget | null;
  /** Ends streams, closes listeners and connections. */
  close(): Promise<void>;
}

interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The target split at its query. The path stays as it was sent: names in it are decoded where they are looked up. */
const parseTarget = (url: string): Target => {
  const mark = url.indexOf('?');
  if (mark < 0) return { path: url, query: new URLSearchParams() };
  return { path: url.slice(0, mark), query: new URLSearchParams(url.slice(mark + 1)) };
};

type Handle = (request: IncomingMessage, response: ServerResponse, target: Target) => Promise<void>;

/** A handler's defect becomes a 500; it never reaches the process. */
const contained =
  (handle: Handle, onDefect: (error: unknown) => void) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    handle(request, response, parseTarget(request.url ?? '/')).catch((error: unknown) => {
      onDefect(error);
      if (response.headersSent) response.destroy();
      else sendProblem(response, problem(500, 'Defect', 'This should not have happened; the log says more'));
    });
  };

const isReading = (method: string | undefined): boolean => method === 'GET' || method === 'HEAD';

interface AdminHandlerParts {
  readonly settings: AdminSettings;
  readonly routes: AdminRoutes;
  readonly assets: DashboardAssets;
  readonly sessions: Sessions | null;
}

/** The address that people use: everything, behind all guards. */
const adminHandler = ({ settings, routes, assets, sessions }: AdminHandlerParts): Handle => {
  const always: readonly Guard[] = [hostGuard(settings.allowHosts), crossSiteGuard];
  const needsToken =
    settings.token === null || sessions === null ? () => null : tokenGuard(settings.token, sessions);
  return async (request, response, { path, query }) => {
    for (const guard of always) {
      const refusal = guard(request);
      if (refusal !== null) return sendProblem(response, refusal);
    }
    const unknown = needsNoToken(path) ? null : needsToken(request);
    if (unknown !== null && path === '/' && isReading(request.method)) return assets.sendSignIn(response);
    if (unknown !== null) return sendProblem(response, unknown);
    const route = routes.find(path);
    if (route === null) return sendProblem(response, routes.notFound);
    if (isReading(request.method) && route.read !== null) return route.read(request, response, query);
    if (request.method !== 'POST' || route.change === null) {
      return sendProblem(response, routes.methodNotAllowed(route));
    }
    const refusal = mutationGuard(request);
    if (refusal !== null) return sendProblem(response, refusal);
    return route.change(request, response);
  };
};

/**
 * The address for kubelet and Prometheus, who come by the pod's IP: probes and metrics, nothing else, no `Host` guard
 * and no token, since nothing here is secret or changes anything.
 */
const probesHandler =
  (routes: AdminRoutes): Handle =>
  async (request, response, { path, query }) => {
    const route = isProbePath(path) || path === '/metrics' ? routes.find(path) : null;
    if (route === null || route.read === null) {
      return sendProblem(
        response,
        problem(404, 'Not found', 'Here are only /livez, /readyz, /startupz and /metrics'),
      );
    }
    if (!isReading(request.method)) return sendProblem(response, routes.methodNotAllowed(route));
    return route.read(request, response, query);
  };

/** The streams that Hystrix's own tools read, by path; they share their slots. */
const hystrixStreams = (
  commands: Commands,
  clock: Clock,
  slots: StreamSlots,
): ReadonlyMap<string, HystrixStream> => {
  const stream = (defaultDelayMs: number, render: Render): HystrixStream =>
    new HystrixStream({ render, defaultDelayMs, clock, slots });
  return new Map([
    ['/hystrix.stream', stream(500, (now, wallTime) => renderEvents(commands, now, wallTime))],
    ['/hystrix/utilization.stream', stream(500, () => renderUtilization(commands))],
    ['/hystrix/config.stream', stream(5000, (now) => renderConfig(commands, now))],
  ]);
};

/**
 * Starts the admin interface and, where the settings ask for it, the listener for probes. Rejects with
 * `AdminStartError` when an address cannot be had, or is open to others without a token; then nothing is left open.
 */
export const startAdminServer = async (options: AdminServerOptions): Promise<AdminServer> => {
  const { settings, port, clock, onDefect } = options;
  if (settings.token === null && !isLoopbackName(settings.address.host)) {
    const address = formatListenTarget(settings.address);
    throw new AdminStartError(
      'token_needed',
      `admin address ${address} can be reached by others: set admin.token, or listen on 127.0.0.1`,
    );
  }
  const allSlots = new StreamSlots(settings.maxStreams.all);
  const slots = new StreamSlots(settings.maxStreams.hystrix, allSlots);
  const hystrix = hystrixStreams(port.commands, clock, slots);
  const events = new EventStream(port, clock, allSlots);
  const { token } = settings;
  const sessions = token === null ? null : new Sessions(token, clock);
  const assets = new DashboardAssets(dashboardFiles());
  const routes = new AdminRoutes({ port, clock, hystrix, events, assets, token, sessions });
  const admin = await listenAdmin(
    settings.address,
    'choose another one with --admin or admin.address',
    contained(adminHandler({ settings, routes, assets, sessions }), onDefect),
  );
  let probes: Server | null = null;
  if (settings.probes !== null) {
    try {
      const remedy = 'choose another one with admin.probes';
      probes = await listenAdmin(settings.probes, remedy, contained(probesHandler(routes), onDefect));
    } catch (error) {
      await closeAdmin(admin);
      throw error;
    }
  }
  return {
    address: boundAddress(admin),
    probesAddress: probes === null ? null : boundAddress(probes),
    close: async () => {
      for (const stream of hystrix.values()) stream.close();
      events.close();
      await Promise.all([closeAdmin(admin), probes === null ? null : closeAdmin(probes)]);
    },
  };
};
