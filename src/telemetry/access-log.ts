import type { LogSettings } from '../config/settings.ts';
import { jsonString, rawControls } from '../lib/json-text.ts';
import type { ExchangeEnded } from './events.ts';

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

const text = (value: string): string => jsonString(shorten(value), rawControls);
/** For words of our own. */
const word = (value: string | null): string => (value === null ? 'null' : `"${value}"`);

/**
 * What one line of the access log says, as members of a JSON object. Never a query, userinfo, or a header but the two
 * ids. It is put together by hand: under an open breaker every request has its line, and most of it is known to be plain.
 */
export const accessMembers = (ended: ExchangeEnded): string => {
  const isServed = ended.fallback === 'served';
  return (
    `"event":"exchange.ended","upstream":${text(ended.upstream)},"route":${text(ended.route)},` +
    `"endpoint":${text(ended.endpoint)},"protocol":${word(ended.protocol)},"method":${text(ended.method)},` +
    `"host":${text(withoutUserinfo(ended.host))},"path":${text(withoutQuery(ended.path))},` +
    `"status":${ended.status},"outcome":${word(isServed ? 'fallback' : ended.outcome.kind)},` +
    `"reason":${word(ended.reason)},"fallback":${isServed},"attempts":${ended.attempts},` +
    `"retrySkipped":${word(ended.retrySkipped)},"queueMs":${rounded(ended.queueMs)},` +
    `"connectMs":${rounded(ended.connectMs)},"firstByteMs":${rounded(ended.firstByteMs)},` +
    `"totalMs":${rounded(ended.totalMs)},"requestBytes":${ended.requestBytes},` +
    `"responseBytes":${ended.responseBytes},"closeReason":${word(ended.closeReason)},` +
    `"requestId":${text(ended.requestId)},"traceparent":${text(ended.traceparent)},"detail":${text(ended.detail)}`
  );
};

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
