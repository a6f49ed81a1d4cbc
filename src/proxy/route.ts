import { type Authority, formatAuthority } from '../http1/grammar.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { type Rejected, rejected } from '../policy/outcome.ts';
import type { Plan } from './plan.ts';
import type { RouteIndex } from './route-index.ts';

/** Where a request goes, beside the plan: what the app called it. */
export interface Destination {
  /** Host and port that the app named; dialled where the configuration names no endpoints. */
  readonly authority: Authority;
  /** Host to send; null: the one that the app sent. */
  readonly host: string | null;
}

/** An upstream as the router sees it. */
export interface UpstreamRoutes {
  /** null: it has none. */
  readonly routes: RouteIndex | null;
  /** For requests that no route matches. */
  readonly plan: Plan;
  /** Of its own port: what the app means by talking to it. */
  readonly destination: Destination;
  readonly hostHeader: string | null;
  /** True where it is spoken to with TLS, whatever the app said. */
  readonly isTls: boolean;
}

const withoutQuery = (path: string): string => {
  const query = path.indexOf('?');
  return query < 0 ? path : path.slice(0, query);
};

/** The plan of an upstream for a request. */
export const planFor = ({ routes, plan }: UpstreamRoutes, method: string, path: string): Plan =>
  routes?.find(method, withoutQuery(path)) ?? plan;

/** Where a request that came to the egress port goes. */
export interface Routed {
  readonly kind: 'routed';
  readonly plan: Plan;
  readonly destination: Destination;
}

export interface EgressRoutes {
  /** By `host` and by `host:port`, in lower case. */
  readonly byHost: ReadonlyMap<string, UpstreamRoutes>;
  /** True for the address of a listener of ours. */
  isOurOwn(authority: Authority): boolean;
  /** A plan for a destination that no upstream names. */
  unlisted(authority: Authority): Plan | Rejected;
}

/** Of the scheme `http`, and of `https`. */
const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** The port of a destination that is named without one. */
export const defaultPort = (isTls: boolean): number => (isTls ? HTTPS_PORT : HTTP_PORT);

const withPort = (named: Authority, isTls: boolean): Authority =>
  named.port === 0 ? { host: named.host, port: defaultPort(isTls) } : named;

const tlsNeeded = Object.freeze(
  rejected('tls_needed', -1, 'Send CONNECT for this destination, or configure an upstream with tls for it'),
);

/** Finds the upstream by what the app calls the destination; the host with its port goes before the host alone. */
export const routeEgress = (head: RequestHead, routes: EgressRoutes): Routed | Rejected => {
  const named = head.authority;
  if (named === null)
    return rejected('bad_request', -1, 'An HTTP/1.0 request needs a Host field or an absolute target here');
  if (head.method === 'CONNECT') return routeConnect(named, routes);
  const isHttps = head.scheme === 'https';
  const authority = withPort(named, isHttps);
  const upstream = upstreamFor(authority, routes);
  if (isHttps && upstream?.isTls !== true) return tlsNeeded;
  if (upstream !== undefined) {
    if (isTcp(upstream)) {
      return rejected('not_http', -1, 'Connect to its own port, or send CONNECT for this destination');
    }
    const host = upstream.hostHeader ?? hostToSend(head);
    return {
      kind: 'routed',
      plan: planFor(upstream, head.method, head.path),
      // The app may well say http to one with tls: then the port that it did not write is still that of https.
      destination: { authority: withPort(named, upstream.isTls), host },
    };
  }
  const plan = unlistedPlan(authority, routes);
  if (plan.kind === 'rejected') return plan;
  return { kind: 'routed', plan, destination: { authority, host: hostToSend(head) } };
};

const upstreamFor = (authority: Authority, { byHost }: EgressRoutes): UpstreamRoutes | undefined =>
  byHost.get(`${authority.host}:${authority.port}`) ?? byHost.get(authority.host);

/** True for an upstream on whose connections no requests can be told apart. */
const isTcp = ({ plan }: UpstreamRoutes): boolean => plan.tunnel === plan;

/** What is under a tunnel cannot be seen: no route of an upstream matches, and its own policies hold. */
const routeConnect = (authority: Authority, routes: EgressRoutes): Routed | Rejected => {
  const upstream = upstreamFor(authority, routes);
  const plan = upstream?.plan ?? unlistedPlan(authority, routes);
  if (plan.kind === 'rejected') return plan;
  return { kind: 'routed', plan: plan.tunnel, destination: { authority, host: null } };
};

const unlistedPlan = (authority: Authority, routes: EgressRoutes): Plan | Rejected =>
  routes.isOurOwn(authority)
    ? rejected(
        'no_route',
        -1,
        'This is an HTTP proxy: call other destinations through it. For its own ports put 127.0.0.1 into NO_PROXY',
      )
    : routes.unlisted(authority);

/** The target's authority is what counts (RFC 9112 section 3.2.2): Host is written anew where it says anything else. */
const hostToSend = (head: RequestHead): string | null => {
  if (head.form !== 'absolute') return null;
  const sent = head.hostField < 0 ? null : head.value(head.hostField);
  return sent === head.authorityText ? null : formatAuthority(head.authority!);
};

/** Where a request on an upstream's own port goes. */
export const routeOwnPort = (head: RequestHead, upstream: UpstreamRoutes): Routed | Rejected => {
  // The port was one of HTTP when this connection came to it.
  if (isTcp(upstream)) {
    return rejected('not_http', -1, 'This port leads to a TCP upstream now: connect to it anew');
  }
  if (head.method === 'CONNECT') {
    return rejected(
      'method_not_allowed',
      -1,
      'Send CONNECT to the egress port: this one leads to one upstream',
    );
  }
  return {
    kind: 'routed',
    plan: planFor(upstream, head.method, head.path),
    destination: upstream.destination,
  };
};

/** True when this very process has forwarded the request before. */
export const isLoop = (head: RequestHead, pseudonym: string): boolean => {
  if (head.viaField < 0) return false;
  const { fields } = head;
  for (let i = head.viaField; i < fields.count; i += 1) {
    if (fields.id(i) === fields.id(head.viaField) && head.value(i).includes(pseudonym)) return true;
  }
  return false;
};
