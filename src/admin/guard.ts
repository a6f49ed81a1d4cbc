import type { IncomingMessage } from 'node:http';
import type { Problem } from './admin-reply.ts';
import { problem } from './admin-reply.ts';
import { isSameSecret, type Sessions } from './session.ts';

/** Decides on a request before anything else looks at it: null lets it pass. */
export type Guard = (request: IncomingMessage) => Problem | null;

/** The host of a `Host` field in lower case, without port and brackets; null when it is none. */
const hostOf = (field: string): string | null => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^\s:/@[\]?#]+))(?::\d{1,5})?$/i.exec(field);
  const host = match?.[1] ?? match?.[2];
  return host === undefined ? null : host.toLowerCase();
};

/** `localhost` and names under it (RFC 6761, 6.3), 127.0.0.0/8 in its dotted form, and ::1. */
export const isLoopbackName = (host: string): boolean =>
  host === 'localhost' ||
  host.endsWith('.localhost') ||
  host === '::1' ||
  /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);

/**
 * A page that made its own name point at us (DNS rebinding) still sends that name: `Host` must be a loopback name or be
 * allowed by the configuration.
 */
export const hostGuard =
  (allowHosts: readonly string[]): Guard =>
  (request) => {
    const { host: fields = [] } = request.headersDistinct;
    const host = fields.length === 1 ? hostOf(fields[0]!) : null;
    if (host !== null && (isLoopbackName(host) || allowHosts.includes(host))) return null;
    return problem(
      421,
      'Host is not allowed',
      'Call the admin interface by a loopback name such as localhost, or add the name to admin.allowHosts',
    );
  };

const crossSite = problem(
  403,
  'Cross-site request refused',
  'The admin interface answers pages of its own origin only; call it from a terminal or from its own pages',
);

/**
 * A link to the dashboard, followed from a chat or a wiki: it shows a page to whoever followed it and changes nothing,
 * and the site with the link can neither read nor frame what comes.
 */
const isVisit = ({ method, url, headers }: IncomingMessage): boolean =>
  method === 'GET' &&
  url === '/' &&
  headers['sec-fetch-mode'] === 'navigate' &&
  headers['sec-fetch-dest'] === 'document' &&
  headers.origin === undefined;

/** A browser says where a request comes from. Other clients send neither field. */
export const crossSiteGuard: Guard = (request) => {
  if (isVisit(request)) return null;
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return crossSite;
  const { origin, host } = request.headers;
  if (origin === undefined) return null;
  // Both schemes: TLS may end in front of us, the host is what tells.
  const originHost = /^https?:\/\/(.+)$/.exec(origin.toLowerCase())?.[1];
  return originHost === host?.toLowerCase() ? null : crossSite;
};

/** The secret that an `Authorization` field carries: a bearer token, or the password of Basic with any user. */
const presentedToken = (authorization: string): string | null => {
  const [scheme = '', credentials = ''] = authorization.trim().split(/ +/, 2);
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return null;
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? null : pair.slice(colon + 1);
};

const unauthorized = (challenge: string): Problem =>
  problem(
    401,
    'A token is needed',
    'Send the value of admin.token as "Authorization: Bearer TOKEN", or as the password of Basic with any user',
    { 'WWW-Authenticate': challenge },
  );

const anyToken = unauthorized('Bearer realm="outrigger", Basic realm="outrigger", charset="UTF-8"');
/** For scripts of a page: an offer of Basic would make the browser itself ask for a password, in the middle of the page. */
const bearerOnly = unauthorized('Bearer realm="outrigger"');

/** True for a request that carries `admin.token`. */
export const hasToken = (request: IncomingMessage, token: string): boolean => {
  const presented = presentedToken(request.headers.authorization ?? '');
  return presented !== null && isSameSecret(presented, token);
};

/** Asks for `admin.token`, or for the cookie that the dashboard's sign-in has set. */
export const tokenGuard =
  (token: string, sessions: Sessions): Guard =>
  (request) => {
    if (hasToken(request, token) || sessions.isSignedIn(request)) return null;
    const mode = request.headers['sec-fetch-mode'];
    return mode === undefined || mode === 'navigate' ? anyToken : bearerOnly;
  };

/**
 * What a page of another site cannot send without asking first: a JSON content type and a field of our own. Both are
 * needed for everything that changes something.
 */
export const mutationGuard: Guard = (request) => {
  const contentType = request.headers['content-type'] ?? '';
  if (contentType.split(';', 1)[0]?.trim().toLowerCase() !== 'application/json') {
    return problem(415, 'Content type refused', 'Send "Content-Type: application/json"');
  }
  if (request.headers['x-outrigger-admin'] !== '1') {
    return problem(
      403,
      'Header missing',
      'Send "X-Outrigger-Admin: 1" with every call that changes something',
    );
  }
  return null;
};
