import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { FallbackUse } from '../policy/fallback.ts';
import { type Outcome, success } from '../policy/outcome.ts';
import { type Reason, reasons } from '../policy/reason.ts';
import type { CloseReason, ExchangeEnded, RetrySkip } from '../telemetry/events.ts';
import type { ExchangeProtocol } from './exchange.ts';
import type { Plan } from './plan.ts';

/** What is longer is not an id but an attack on the log. */
const MAX_ID = 128;

/** Where a record reads what only the wire knows. */
export interface RecordSource {
  readonly protocol: ExchangeProtocol;
  /** null: the request could not be read. */
  readonly head: RequestHead | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** What is known of one exchange, filled in while it goes on and read by telemetry at its end. */
export class ExchangeRecord implements ExchangeEnded {
  readonly startedAt: number;
  protocol: ExchangeEnded['protocol'];
  readonly upstream: string;
  readonly route: string;
  readonly isUnlisted: boolean;
  outcome: Outcome = success(0);
  reason: Reason | null = null;
  status = 0;
  fallback: FallbackUse = 'none';
  attempts = 0;
  retrySkipped: RetrySkip | null = null;
  endpoint = '';
  queueMs = -1;
  connectMs = -1;
  firstByteMs = -1;
  totalMs = 0;
  detail = '';
  closeReason: CloseReason | null = null;

  readonly #source: RecordSource;
  readonly #nextRequestId: () => string;
  #requestId = '';
  #sentBytes = -1;
  #receivedBytes = -1;

  /** `plan` null: the request found none. */
  constructor(source: RecordSource, startedAt: number, nextRequestId: () => string, plan: Plan | null) {
    this.#source = source;
    this.protocol = source.protocol;
    this.startedAt = startedAt;
    this.upstream = plan === null ? '' : plan.upstreamName;
    this.route = plan === null ? '' : plan.routeName;
    this.isUnlisted = plan?.isUnlisted === true;
    this.#nextRequestId = nextRequestId;
  }

  /** The upstream's answer is on its way to the client. */
  answered(outcome: Outcome, status: number, now: number): void {
    this.outcome = outcome;
    this.status = status;
    this.firstByteMs = now - this.startedAt;
  }

  /** It has become a tunnel; `head`: the 101 that says so, null where a connection was all that was asked for. */
  switched(protocol: ExchangeProtocol, head: ResponseHead | null, now: number): void {
    if (head !== null) this.protocol = 'upgrade';
    // A plain TCP connection is told nothing.
    this.status = protocol === 'tcp' ? 0 : (head?.status ?? 200);
    this.firstByteMs = now - this.startedAt;
  }

  /** What went through the tunnel, from the client and to it, and how it ended. */
  passed(sentBytes: number, receivedBytes: number, why: CloseReason): void {
    this.#sentBytes = sentBytes;
    this.#receivedBytes = receivedBytes;
    this.closeReason = why;
  }

  /** The last word. */
  ended(outcome: Outcome, now: number): void {
    this.outcome = outcome;
    if (outcome.kind !== 'success') this.reason = outcome.reason;
    // A tunnel's client was sent what it was sent, however it leaves.
    if (outcome.kind === 'cancelled' && this.closeReason === null)
      this.status = reasons[outcome.reason].status;
    // Whatever it was, there was nobody to tell it to.
    if (this.protocol === 'tcp') this.status = 0;
    if (outcome.kind === 'failure' || outcome.kind === 'rejected') this.detail = outcome.detail;
    this.totalMs = now - this.startedAt;
  }

  get method(): string {
    return this.protocol === 'tcp' ? '' : (this.#source.head?.method ?? '');
  }

  get host(): string {
    return this.#source.head?.authorityText ?? '';
  }

  get path(): string {
    const path = this.#source.head?.path ?? '';
    const query = path.indexOf('?');
    return query < 0 ? path : path.slice(0, query);
  }

  /** The client's own id, or one that is made when somebody asks for it. */
  get requestId(): string {
    if (this.#requestId === '') {
      const head = this.#source.head;
      const sent = head === null || head.requestIdField < 0 ? '' : head.value(head.requestIdField);
      this.#requestId = sent === '' || sent.length > MAX_ID ? this.#nextRequestId() : sent;
    }
    return this.#requestId;
  }

  get traceparent(): string {
    const head = this.#source.head;
    return head === null || head.traceparentField < 0
      ? ''
      : head.value(head.traceparentField).slice(0, MAX_ID);
  }

  get requestBytes(): number {
    return this.#sentBytes < 0 ? this.#source.requestBytes : this.#sentBytes;
  }

  get responseBytes(): number {
    return this.#receivedBytes < 0 ? this.#source.responseBytes : this.#receivedBytes;
  }
}
