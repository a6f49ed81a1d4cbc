import type { Reason } from '../policy/reason.ts';

/** Reasons that exist only once a request has found its upstream, so that there is a fallback to ask. */
const fallbackReasons: readonly Reason[] = [
  'circuit_open',
  'bulkhead_full',
  'queue_timeout',
  'pool_exhausted',
  'out_of_resources',
  'no_endpoint',
  'dns_error',
  'dns_timeout',
  'connect_refused',
  'connect_failed',
  'connect_timeout',
  'tls_certificate_error',
  'tls_protocol_error',
  'tls_alert_received',
  'prohibited_address',
  'reset',
  'protocol_error',
  'response_head_too_large',
  'response_transfer_coding',
  'response_incomplete',
  'upgrade_failed',
  'upstream_status',
  'attempt_timeout',
  'total_timeout',
  'idle_timeout',
  'body_timeout',
];

/** What `fallback.on` may name: reasons, and two groups of them. */
export const fallbackWords: readonly string[] = ['timeout', 'connect-failure', ...fallbackReasons];
