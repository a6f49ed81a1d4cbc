import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../lib/clock.ts';
import type { CommandBook } from '../telemetry/command-book.ts';
import type { AdminPort } from './admin-port.ts';
import type { Problem } from './admin-reply.ts';
import { problem, sendJson, sendProblem, sendText } from './admin-reply.ts';
import { parseForce, readJson } from './control.ts';
import type { DashboardAssets } from './dashboard-assets.ts';
import type { EventStream } from './event-stream.ts';
import { hasToken, tokenGuard } from './guard.ts';
import type { HystrixStream } from './hystrix-stream.ts';
import { breakerDetail, breakerView } from './json-views.ts';
import { answerProbe, isProbePath } from './probes.ts';
import { type Sessions, sendSession } from './session.ts';

/** What a path answers to; null where it does not. */
export interface AdminRoute {
  /** GET, and HEAD without the body. Changes nothing. */
  readonly read:
    | ((request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void | Promise<void>)
    | null;
  /** POST. */
  readonly change: ((request: IncomingMessage, response: ServerResponse) => void | Promise<void>) | null;
}

const breakersPrefix = '/breakers/';
const assetsPrefix = '/assets/';

/** What the paths lead to. */
export interface AdminParts {
  readonly port: AdminPort;
  readonly clock: Clock;
  /** By path. */
  readonly hystrix: ReadonlyMap<string, HystrixStream>;
  readonly events: EventStream;
  readonly assets: DashboardAssets;
  /** Both null: none is asked for. */
  readonly token: string | null;
  readonly sessions: Sessions | null;
}

/** True for what anybody may have: probes, the text of the dashboard, and the place to show the token. */
export const needsNoToken = (path: string): boolean =>
  isProbePath(path) || path.startsWith(assetsPrefix) || path === '/session';

/** The paths of the admin interface. */
export class AdminRoutes {
  readonly #port: AdminPort;
  readonly #clock: Clock;
  readonly #assets: DashboardAssets;
  readonly #fixed: ReadonlyMap<string, AdminRoute>;

  constructor({ port, clock, hystrix, events, assets, token, sessions }: AdminParts) {
    this.#port = port;
    this.#clock = clock;
    this.#assets = assets;
    const reading = (read: AdminRoute['read']): AdminRoute => ({ read, change: null });
    const routes: [string, AdminRoute][] = [
      ['/', reading((_request, response) => assets.sendDashboard(response))],
      ['/breakers', reading((_request, response) => this.#breakers(response))],
      [
        '/upstreams',
        reading((_request, response) => sendJson(response, 200, { upstreams: port.upstreams() })),
      ],
      ['/config', reading((_request, response) => sendJson(response, 200, port.config()))],
      ['/metrics', reading((request, response) => this.#metrics(request, response))],
      ...Array.from(hystrix, ([path, stream]): [string, AdminRoute] => [
        path,
        reading((request, response, query) => stream.serve(request, response, query.get('delay'))),
      ]),
      ['/events', reading((request, response) => events.serve(request, response))],
    ];
    if (token !== null && sessions !== null) {
      routes.push(
        ['/session', sessionRoute(token, sessions)],
        ['/session/end', { read: null, change: (_request, response) => sessions.signOut(response) }],
      );
    } else routes.push(['/session', reading((_request, response) => sendSession(response, 'nothing'))]);
    if (port.drain !== undefined) {
      routes.push(['/drain', { read: null, change: (_request, response) => this.#drain(response) }]);
    }
    if (port.reload !== undefined) {
      routes.push(['/reload', { read: null, change: (_request, response) => this.#reload(response) }]);
    }
    this.#fixed = new Map(routes);
  }

  find(path: string): AdminRoute | null {
    if (isProbePath(path)) {
      return { read: (_request, response) => answerProbe(path, this.#port, response), change: null };
    }
    if (path.startsWith(assetsPrefix)) {
      const send = this.#assets.find(path);
      return send === null ? null : { read: send, change: null };
    }
    if (path.startsWith(breakersPrefix)) return this.#breakerRoute(path.slice(breakersPrefix.length));
    return this.#fixed.get(path) ?? null;
  }

  /** What to say of a path that leads nowhere. */
  missing(path: string): Problem {
    const advice = path.startsWith(breakersPrefix)
      ? 'There is no breaker of this name; GET /breakers lists those that there are'
      : 'GET / is the dashboard, GET /breakers lists the breakers';
    return problem(404, 'Not found', advice);
  }

  methodNotAllowed(route: AdminRoute): Problem {
    const methods = [
      ...(route.read === null ? [] : ['GET', 'HEAD']),
      ...(route.change === null ? [] : ['POST']),
    ];
    const allow = methods.join(', ');
    return problem(405, 'Method not allowed', `This path answers to ${allow}`, { Allow: allow });
  }

  #breakerRoute(encodedName: string): AdminRoute | null {
    let name: string;
    try {
      name = decodeURIComponent(encodedName);
    } catch {
      return null;
    }
    const book = this.#port.commands.find(name);
    if (book === undefined) return null;
    return {
      read: (_request, response) =>
        sendJson(response, 200, { ...this.#view(book), ...breakerDetail(book, this.#port.policyOf(name)) }),
      change: (request, response) => this.#force(name, request, response),
    };
  }

  #breakers(response: ServerResponse): void {
    const breakers = Array.from(this.#port.commands.all(), (book) => this.#view(book));
    sendJson(response, 200, { breakers });
  }

  #view(book: CommandBook): ReturnType<typeof breakerView> {
    return breakerView(book.figures(this.#clock.now()));
  }

  async #metrics(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { contentType, text } = await this.#port.metrics(request.headers.accept ?? '');
    sendText(response, 200, contentType, text);
  }

  async #force(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request);
    if (body === null) return;
    if (!body.isOk) return sendProblem(response, body.problem);
    const command = parseForce(body.value, this.#port.parseDurationMs);
    if (!command.isOk) return sendProblem(response, command.problem);
    const { force, ttlMs } = command.value;
    const book = this.#port.commands.find(name);
    // It may have gone while the body came.
    if (book === undefined || !this.#port.forceBreaker(name, force, ttlMs)) {
      return sendProblem(response, this.missing(breakersPrefix));
    }
    sendJson(response, 200, this.#view(book));
  }

  async #reload(response: ServerResponse): Promise<void> {
    const { result, why, problems } = await this.#port.reload!();
    if (result === 'succeeded') sendJson(response, 200, { result, why });
    else if (result === 'refused') sendProblem(response, problem(409, 'Not reloaded', why));
    else sendJson(response, 422, { result, why, problems });
  }

  #drain(response: ServerResponse): void {
    this.#port.drain?.();
    sendJson(response, 202, { status: 'draining' });
  }
}

/** Who asks for `/session` needs no token, and is told whether one is needed. */
const sessionRoute = (token: string, sessions: Sessions): AdminRoute => {
  const guard = tokenGuard(token, sessions);
  return {
    read: (request, response) => {
      const refusal = guard(request);
      if (refusal !== null) sendProblem(response, refusal);
      else sendSession(response, hasToken(request, token) ? 'authorization' : 'cookie');
    },
    change: (request, response) => sessions.signIn(request, response),
  };
};
