import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Problem } from './admin-reply.ts';
import { problem } from './admin-reply.ts';

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

/** A browser says where a request comes from. Other clients send neither field. */
export const crossSiteGuard: Guard = (request) => {
  const site = request.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return crossSite;
  const { origin, host } = request.headers;
  if (origin === undefined) return null;
  // Both schemes: TLS may end in front of us, the host is what tells.
  const originHost = /^https?:\/\/(.+)$/.exec(origin.toLowerCase())?.[1];
  return originHost === host?.toLowerCase() ? null : crossSite;
};

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The secret that an `Authorization` field carries: a bearer token, or the password of Basic with any user. */
const presentedToken = (authorization: string): string | null => {
  const [scheme = '', credentials = ''] = authorization.trim().split(/ +/, 2);
  if (scheme.toLowerCase() === 'bearer') return credentials;
  if (scheme.toLowerCase() !== 'basic') return null;
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? null : pair.slice(colon + 1);
};

const unauthorized = problem(
  401,
  'A token is needed',
  'Send the value of admin.token as "Authorization: Bearer TOKEN", or as the password of Basic with any user',
  { 'WWW-Authenticate': 'Bearer realm="outrigger", Basic realm="outrigger", charset="UTF-8"' },
);

/** Asks for `admin.token`. Digests are compared, so that neither content nor length shows in the time it takes. */
export const tokenGuard = (token: string | null): Guard => {
  if (token === null) return () => null;
  const expected = digest(token);
  return (request) => {
    const presented = presentedToken(request.headers.authorization ?? '');
    return presented !== null && timingSafeEqual(digest(presented), expected) ? null : unauthorized;
  };
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
