import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AdminSettings } from '../config/settings.ts';
import { problem, sendProblem } from './admin-reply.ts';
import { type AdminRoutes, needsNoToken } from './admin-routes.ts';
import type { DashboardAssets } from './dashboard-assets.ts';
import type { Guard } from './guard.ts';
import { crossSiteGuard, hostGuard, mutationGuard, tokenGuard } from './guard.ts';
import { isProbePath } from './probes.ts';
import type { Sessions } from './session.ts';

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

/** Answers a request. Rejects only for a defect. */
export type Handle = (request: IncomingMessage, response: ServerResponse, target: Target) => Promise<void>;

/** A handler's defect becomes a 500; it never reaches the process. `handle` is asked for each request. */
export const contained =
  (handle: () => Handle, onDefect: (error: unknown) => void) =>
  (request: IncomingMessage, response: ServerResponse): void => {
    handle()(request, response, parseTarget(request.url ?? '/')).catch((error: unknown) => {
      onDefect(error);
      if (response.headersSent) response.destroy();
      else sendProblem(response, problem(500, 'Defect', 'This should not have happened; the log says more'));
    });
  };

const isReading = (method: string | undefined): boolean => method === 'GET' || method === 'HEAD';

export interface AdminHandlerParts {
  readonly settings: AdminSettings;
  readonly routes: AdminRoutes;
  readonly assets: DashboardAssets;
  readonly sessions: Sessions | null;
}

/** The address that people use: everything, behind all guards. */
export const adminHandler = ({ settings, routes, assets, sessions }: AdminHandlerParts): Handle => {
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
    if (route === null) return sendProblem(response, routes.missing(path));
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
export const probesHandler =
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
