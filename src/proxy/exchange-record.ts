import type { RequestHead } from '../http1/request-head.ts';
import type { FallbackUse } from '../policy/fallback.ts';
import { type Outcome, success } from '../policy/outcome.ts';
import { type Reason, reasons } from '../policy/reason.ts';
import type { ExchangeEnded, RetrySkip } from '../telemetry/events.ts';
import type { Plan } from './plan.ts';

/** What is longer is not an id but an attack on the log. */
const MAX_ID = 128;

/** Where a record reads what only the wire knows. */
export interface RecordSource {
  /** null: the request could not be read. */
  readonly head: RequestHead | null;
  readonly requestBytes: number;
  readonly responseBytes: number;
}

/** What is known of one exchange, filled in while it goes on and read by telemetry at its end. */
export class ExchangeRecord implements ExchangeEnded {
  readonly startedAt: number;
  readonly protocol = 'http';
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

  readonly #source: RecordSource;
  readonly #nextRequestId: () => string;
  #requestId = '';

  /** `plan` null: the request found none. */
  constructor(source: RecordSource, startedAt: number, nextRequestId: () => string, plan: Plan | null) {
    this.#source = source;
    this.startedAt = startedAt;
    this.upstream = plan === null ? '' : plan.upstreamName;
    this.route = plan === null ? '' : plan.routeName;
    this.isUnlisted = plan?.isUnlisted === true;
    this.#nextRequestId = nextRequestId;
  }

  /** The last word. */
  ended(outcome: Outcome, now: number): void {
    this.outcome = outcome;
    if (outcome.kind !== 'success') this.reason = outcome.reason;
    if (outcome.kind === 'cancelled') this.status = reasons[outcome.reason].status;
    if (outcome.kind === 'failure' || outcome.kind === 'rejected') this.detail = outcome.detail;
    this.totalMs = now - this.startedAt;
  }

  get method(): string {
    return this.#source.head?.method ?? '';
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
    return this.#source.requestBytes;
  }

  get responseBytes(): number {
    return this.#source.responseBytes;
  }
}
