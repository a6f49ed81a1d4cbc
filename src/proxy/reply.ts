import { jsonString } from '../lib/json-text.ts';
import { http } from '../lib/node-http.ts';
import type { Failure, Rejected } from '../policy/outcome.ts';
import { type FailureReason, type Reason, reasons } from '../policy/reason.ts';
import type { Exchange } from './exchange.ts';
import type { ExchangeRecord } from './exchange-record.ts';
import type { Plan } from './plan.ts';
import type { StandIn } from './stand-in.ts';

/** What our own answer says. */
interface OwnAnswer {
  readonly reason: Reason;
  /** For people: what is particular to this request. */
  readonly detail: string;
  /** Empty where none was found. */
  readonly upstream: string;
  readonly route: string;
  readonly attempts: number;
  readonly requestId: string;
  /** When trying again may help, in ms from now; -1 where nobody knows. */
  readonly retryAfterMs: number;
  readonly willClose: boolean;
  /** The answer to a HEAD request has no content. */
  readonly isHead: boolean;
}

/** RFC 8941 string: what would end it is escaped, what may not stand in it is left out. */
const quoted = (text: string): string => {
  if (!/["\\]|[^\x20-\x7e]/.test(text)) return `"${text}"`;
  return `"${text.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`;
};

/** RFC 9209: who answered and why. */
const proxyStatus = (error: string, answer: Pick<OwnAnswer, 'reason' | 'upstream' | 'attempts'>): string => {
  const upstream = answer.upstream === '' ? '' : ` upstream=${answer.upstream}`;
  return `outrigger; error=${error}; details=${quoted(`reason=${answer.reason}${upstream} attempts=${answer.attempts}`)}`;
};

const notAscii = /[\u0080-\uffff]/g;

const text = (value: string): string => jsonString(value, notAscii);

/** RFC 9457 body, put together by hand. Every character that is not ASCII is escaped, so that the text is its own bytes. */
const problem = (answer: OwnAnswer, status: number): string => {
  const { reason, detail, upstream, route, attempts, requestId, retryAfterMs } = answer;
  return (
    `{"type":"urn:outrigger:problem:${reason}","title":${text(reasons[reason].title)},"status":${status},` +
    `"detail":${text(detail)},"reason":"${reason}",` +
    (upstream === '' ? '' : `"upstream":${text(upstream)},`) +
    (route === '' ? '' : `"route":${text(route)},`) +
    `"attempts":${attempts},"requestId":${text(requestId)}` +
    (retryAfterMs < 0 ? '}' : `,"retryAfterMs":${Math.ceil(retryAfterMs)}}`)
  );
};

/** The whole answer that we give ourselves, as wire text. */
const ownAnswerText = (answer: OwnAnswer): string => {
  const { status, proxyStatus: error } = reasons[answer.reason];
  const body = problem(answer, status);
  const allow = status === 405 ? 'Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n' : '';
  const mayComeBack = (status === 429 || status === 503) && answer.retryAfterMs >= 0;
  return (
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n` +
    'Content-Type: application/problem+json\r\n' +
    `Content-Length: ${body.length}\r\n` +
    'Cache-Control: no-store\r\n' +
    `Proxy-Status: ${proxyStatus(error, answer)}\r\n` +
    (mayComeBack ? `Retry-After: ${Math.ceil(answer.retryAfterMs / 1000)}\r\n` : '') +
    allow +
    (answer.willClose ? 'Connection: close\r\n' : '') +
    `\r\n${answer.isHead ? '' : body}`
  );
};

/** What a rule says is for whoever broke it; what the operating system said is for the log. */
const detailOf = ({ upstream, attempts }: ExchangeRecord, outcome: Failure | Rejected): string => {
  if (outcome.kind === 'rejected' && outcome.detail !== '') return outcome.detail;
  const sent = attempts === 1 ? 'once' : `${attempts} times`;
  const tried = attempts === 0 ? 'not tried' : `tried ${sent}`;
  return upstream === '' ? 'Nothing was sent on' : `Upstream ${upstream} was ${tried}`;
};

const ownAnswer = (record: ExchangeRecord, outcome: Failure | Rejected, willClose: boolean): OwnAnswer => ({
  reason: outcome.reason,
  detail: detailOf(record, outcome),
  upstream: record.upstream,
  route: record.route,
  attempts: record.attempts,
  requestId: record.requestId,
  retryAfterMs: outcome.retryAfterMs,
  willClose,
  isHead: record.method === 'HEAD',
});

/** The answer to what is no request that can be forwarded; it ends the connection. Fills in the record's status. */
export const refusalText = (record: ExchangeRecord, refusal: Rejected): string => {
  record.status = reasons[refusal.reason].status;
  return ownAnswerText(ownAnswer(record, refusal, true));
};

/** True when our own answer ends the connection. Its head is written for HTTP/1.1: HTTP/1.0 takes silence for a close. */
export const endsConnection = (exchange: Exchange): boolean =>
  !exchange.canPersist || exchange.head.minor === 0;

/** Answers the exchange with what went wrong. The caller finishes it. */
export const writeOwnAnswer = (
  exchange: Exchange,
  record: ExchangeRecord,
  outcome: Failure | Rejected,
): void => {
  // Whatever follows a refused CONNECT is not HTTP.
  const answer = ownAnswer(record, outcome, endsConnection(exchange) || exchange.head.method === 'CONNECT');
  record.status = reasons[outcome.reason].status;
  exchange.respond(ownAnswerText(answer), false, answer.willClose);
};

/** True when the fallback answers in place of a failing answer of the upstream. Where it is full, the record says so. */
export const standsIn = ({ fallback }: Plan, record: ExchangeRecord, reason: FailureReason): boolean => {
  record.fallback = fallback.peek(reason);
  return record.fallback === 'served';
};

/** Answers with the fallback where the plan has one for this outcome, else with what went wrong. The caller finishes it. */
export const answerInstead = (
  exchange: Exchange,
  plan: Plan,
  record: ExchangeRecord,
  outcome: Failure | Rejected,
  now: number,
): void => {
  const { fallback, recorder } = plan;
  if (outcome.kind === 'rejected') recorder.requestRejected(outcome.reason, now);
  record.firstByteMs = now - record.startedAt;
  record.fallback = fallback.enter(outcome.reason);
  if (record.fallback !== 'served') {
    writeOwnAnswer(exchange, record, outcome);
    return;
  }
  writeStandIn(exchange, record, outcome, plan.standIn);
  exchange.whenOut(() => fallback.leave());
};

const writeStandIn = (
  exchange: Exchange,
  record: ExchangeRecord,
  outcome: Failure | Rejected,
  { status, headText, content }: StandIn,
): void => {
  const answer = ownAnswer(record, outcome, endsConnection(exchange));
  const connection = answer.willClose ? 'Connection: close\r\n' : '';
  const text = `${headText}Proxy-Status: ${proxyStatus('proxy_internal_response', answer)}\r\n${connection}\r\n`;
  record.status = status;
  exchange.respond(text, false, answer.willClose);
  if (!answer.isHead && content.length > 0) exchange.write(content);
};
