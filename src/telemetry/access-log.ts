import type { LogSettings } from '../config/settings.ts';
import type { ExchangeEnded } from './events.ts';

/** What one line of the access log says. Never a query, userinfo, or a header but the two ids. */
export interface AccessRecord {
  readonly event: 'exchange.ended';
  readonly upstream: string;
  readonly route: string;
  readonly endpoint: string;
  readonly protocol: string;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  readonly outcome: string;
  readonly reason: string | null;
  readonly fallback: boolean;
  readonly attempts: number;
  readonly retrySkipped: string | null;
  readonly queueMs: number;
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly totalMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly closeReason: string | null;
  readonly requestId: string;
  readonly traceparent: string;
  readonly detail: string;
}

/** Longest text that a client can put into one field of a line. */
const maxTextLength = 1024;

const shorten = (text: string): string =>
  text.length <= maxTextLength ? text : `${text.slice(0, maxTextLength)}…`;

/** The path as far as a query or fragment, should one ever get here. */
const withoutQuery = (path: string): string => {
  const end = path.search(/[?#]/);
  return end < 0 ? path : path.slice(0, end);
};

/** The host behind the userinfo, should one ever get here. */
const withoutUserinfo = (host: string): string => host.slice(host.lastIndexOf('@') + 1);

/** To microseconds. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

export const accessRecord = (ended: ExchangeEnded): AccessRecord => ({
  event: 'exchange.ended',
  upstream: shorten(ended.upstream),
  route: ended.route,
  endpoint: ended.endpoint,
  protocol: ended.protocol,
  method: shorten(ended.method),
  host: shorten(withoutUserinfo(ended.host)),
  path: shorten(withoutQuery(ended.path)),
  status: ended.status,
  outcome: ended.fallback === 'served' ? 'fallback' : ended.outcome.kind,
  reason: ended.reason,
  fallback: ended.fallback === 'served',
  attempts: ended.attempts,
  retrySkipped: ended.retrySkipped,
  queueMs: rounded(ended.queueMs),
  connectMs: rounded(ended.connectMs),
  firstByteMs: rounded(ended.firstByteMs),
  totalMs: rounded(ended.totalMs),
  requestBytes: ended.requestBytes,
  responseBytes: ended.responseBytes,
  closeReason: ended.closeReason,
  requestId: shorten(ended.requestId),
  traceparent: shorten(ended.traceparent),
  detail: shorten(ended.detail),
});

/** True for an exchange that went as everybody wished. */
const isPlainSuccess = (ended: ExchangeEnded): boolean =>
  ended.outcome.kind === 'success' && ended.reason === null && ended.fallback !== 'served';

/**
 * Which exchanges get a line; null: none at all. `errors`: every one that is not a plain success; `sampled`: those, and
 * a share of the rest. `random`: 0 ≤ x < 1.
 */
export const accessFilter = (
  settings: LogSettings,
  random: () => number,
): ((ended: ExchangeEnded) => boolean) | null => {
  switch (settings.access) {
    case 'off':
      return null;
    case 'all':
      return () => true;
    case 'errors':
      return (ended) => !isPlainSuccess(ended);
    case 'sampled':
      return (ended) => !isPlainSuccess(ended) || random() < settings.sampleRatio;
  }
};
