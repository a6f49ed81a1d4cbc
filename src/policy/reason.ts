/**
 * Why a request or an attempt did not simply succeed. The list is closed: `Proxy-Status`, problem bodies, the access
 * log, metrics and streams all use these words and no others.
 */

/** Whose doing it was, and with that how it is counted. */
export type ReasonKind =
  /** An attempt was made and went wrong: it votes in the breaker. */
  | 'failure'
  /** Nothing was sent: a policy or a rule said no. */
  | 'rejected'
  /** The client left. */
  | 'cancelled';

/** One row of the table of reasons. */
export interface ReasonRow {
  readonly kind: ReasonKind;
  /** Status of our own answer. */
  readonly status: number;
  /** Error type of RFC 9209, section 2.3. */
  readonly proxyStatus: string;
  /** One short sentence for people: the `title` of RFC 9457. */
  readonly title: string;
  /** True where Hystrix would say TIMEOUT. */
  readonly isTimeout: boolean;
  /** The word in `retry.on` that makes a failure of this kind retryable; null where none does. */
  readonly retryOn: 'connect-failure' | 'reset' | 'timeout' | null;
}

const failure = (
  status: number,
  proxyStatus: string,
  title: string,
  retryOn: ReasonRow['retryOn'] = null,
  isTimeout = false,
): ReasonRow & { readonly kind: 'failure' } => ({
  kind: 'failure',
  status,
  proxyStatus,
  title,
  isTimeout,
  retryOn,
});

const rejected = (
  status: number,
  proxyStatus: string,
  title: string,
): ReasonRow & { readonly kind: 'rejected' } => ({
  kind: 'rejected',
  status,
  proxyStatus,
  title,
  isTimeout: false,
  retryOn: null,
});

export const reasons = {
  // Attempts that went wrong.
  dns_error: failure(502, 'dns_error', 'The name of the upstream could not be resolved', 'connect-failure'),
  dns_timeout: failure(
    504,
    'dns_timeout',
    'The name servers did not answer in time',
    'connect-failure',
    true,
  ),
  connect_refused: failure(
    502,
    'connection_refused',
    'The upstream refused the connection',
    'connect-failure',
  ),
  connect_failed: failure(
    502,
    'destination_ip_unroutable',
    'The upstream cannot be reached',
    'connect-failure',
  ),
  connect_timeout: failure(
    504,
    'connection_timeout',
    'The upstream did not accept a connection in time',
    'connect-failure',
    true,
  ),
  tls_certificate_error: failure(
    502,
    'tls_certificate_error',
    "The upstream's certificate was not accepted",
    'connect-failure',
  ),
  tls_protocol_error: failure(502, 'tls_protocol_error', 'TLS with the upstream failed', 'connect-failure'),
  tls_alert_received: failure(
    502,
    'tls_alert_received',
    'The upstream broke off TLS with an alert',
    'connect-failure',
  ),
  prohibited_address: failure(
    502,
    'destination_ip_prohibited',
    'The destination resolves to an address that may not be dialled',
  ),
  reset: failure(
    502,
    'connection_terminated',
    'The upstream closed the connection before answering',
    'reset',
  ),
  protocol_error: failure(502, 'http_protocol_error', 'The upstream sent something that is not valid HTTP'),
  response_head_too_large: failure(
    502,
    'http_response_header_section_size',
    "The header section of the upstream's answer is too large",
  ),
  response_transfer_coding: failure(
    502,
    'http_response_transfer_coding',
    'The upstream used a transfer coding that is not supported',
  ),
  response_incomplete: failure(
    502,
    'http_response_incomplete',
    'The upstream broke off in the middle of its answer',
  ),
  upgrade_failed: failure(502, 'http_upgrade_failed', 'The upstream switched protocols without being asked'),
  upstream_status: failure(502, 'http_request_error', 'The upstream answered with a failure status'),
  attempt_timeout: failure(
    504,
    'http_response_timeout',
    'The upstream did not answer within the time for one attempt',
    'timeout',
    true,
  ),
  total_timeout: failure(
    504,
    'http_response_timeout',
    'The upstream did not answer within the time for the request',
    null,
    true,
  ),
  idle_timeout: failure(
    504,
    'connection_read_timeout',
    'No byte moved in either direction for too long',
    null,
    true,
  ),
  body_timeout: failure(
    504,
    'connection_read_timeout',
    'The whole exchange took longer than allowed',
    null,
    true,
  ),

  // Policies that said no.
  circuit_open: rejected(503, 'destination_unavailable', 'The circuit is open'),
  bulkhead_full: rejected(
    503,
    'connection_limit_reached',
    'Too many requests to this upstream are in flight',
  ),
  queue_timeout: rejected(503, 'connection_limit_reached', "No place became free within the queue's time"),
  pool_exhausted: rejected(
    503,
    'connection_limit_reached',
    'No connection to the endpoint became free in time',
  ),
  out_of_resources: rejected(
    503,
    'connection_limit_reached',
    'The sidecar has no descriptor or memory left for a connection',
  ),
  no_endpoint: rejected(503, 'destination_unavailable', 'The upstream has no endpoint'),
  too_many_destinations: rejected(
    503,
    'destination_unavailable',
    'Too many unlisted destinations are in use',
  ),

  // Requests that we do not pass on.
  unlisted_destination: rejected(403, 'http_request_denied', 'No upstream names this destination'),
  no_route: rejected(404, 'destination_not_found', 'The request names the proxy itself, not a destination'),
  proxy_loop: rejected(502, 'proxy_loop_detected', 'The request already went through this proxy'),
  tls_needed: rejected(
    400,
    'http_request_denied',
    'An https target needs an upstream with tls; use CONNECT instead',
  ),
  not_http: rejected(400, 'http_request_denied', 'The destination speaks TCP and no HTTP'),
  upgrade_unsupported: rejected(501, 'http_request_denied', 'This protocol upgrade is not supported'),
  bad_request: rejected(400, 'http_request_error', 'The request is malformed or ambiguous'),
  method_not_allowed: rejected(405, 'http_request_denied', 'The method is not allowed'),
  request_timeout: rejected(408, 'http_request_error', 'The request did not arrive in time'),
  body_too_large: rejected(413, 'http_request_error', "The request's body is too large"),
  target_too_long: rejected(414, 'http_request_error', "The request's target is too long"),
  expectation_failed: rejected(417, 'http_request_error', "The request's expectation is not known"),
  head_too_large: rejected(431, 'http_request_error', "The request's header section is too large"),
  not_implemented: rejected(
    501,
    'http_request_error',
    'The request uses a method or coding that is not implemented',
  ),
  version_unsupported: rejected(505, 'http_request_error', 'The HTTP version is not supported'),
  too_many_connections: rejected(
    503,
    'connection_limit_reached',
    'Too many connections to the proxy are open',
  ),

  too_many_tunnels: rejected(503, 'connection_limit_reached', 'Too many tunnels are open'),

  // The client left: logged as 499, never sent.
  client_gone: {
    kind: 'cancelled',
    status: 499,
    proxyStatus: 'http_request_error',
    title: 'The client left before the answer was complete',
    isTimeout: false,
    retryOn: null,
  },
} as const satisfies Record<string, ReasonRow>;

export type Reason = keyof typeof reasons;

type ReasonsOf<K extends ReasonKind> = {
  [R in Reason]: (typeof reasons)[R] extends { readonly kind: K } ? R : never;
}[Reason];

/** Reasons of attempts that were made and went wrong. */
export type FailureReason = ReasonsOf<'failure'>;
/** Reasons for which nothing was sent. */
export type RejectedReason = ReasonsOf<'rejected'>;
