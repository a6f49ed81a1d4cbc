import type { BodySource } from '../http1/body.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { isIdempotentMethod } from '../policy/retry.ts';
import type { OutgoingRequest } from '../upstream/transport.ts';
import { requestText } from './headers.ts';
import type { ForwardContext, Plan } from './plan.ts';
import type { Destination } from './route.ts';
import { offeredProtocols } from './upgrade.ts';

/** True when sending the request twice does no more than sending it once, or its sender says so. */
export const isIdempotent = (head: RequestHead): boolean =>
  isIdempotentMethod(head.method) || head.idempotencyKeyField >= 0;

/** How much of a request's content to record: what will not be sent twice need not be remembered. */
export const replayLimitBytes = (head: RequestHead, plan: Plan): number =>
  plan.repeatsAll || plan.retry.repeatsUnprocessed || isIdempotent(head) ? plan.replayBytes : 0;

/** Leave to send a request's content (RFC 9110 section 10.1.1), as we give it ourselves. */
export const continueText = 'HTTP/1.1 100 Continue\r\n\r\n';

/** What a request is made from. */
export interface OutgoingSource {
  readonly head: RequestHead;
  /** Its content; null: it has none. */
  readonly replay: BodySource | null;
  readonly plan: Plan;
  readonly context: ForwardContext;
  /** `attempts`: the number of this one, from 1. */
  readonly record: { readonly attempts: number };
}

/** A request as the upstream is to get it. */
export const outgoingRequest = (
  { head, replay, plan, context, record }: OutgoingSource,
  { host }: Destination,
): OutgoingRequest => {
  const via = context.via[head.minor];
  const offered = offeredProtocols(head, plan);
  return {
    method: head.method,
    headText: requestText(head, { host, via, attempt: record.attempts, offered }),
    body: replay,
    isRepeatable: plan.repeatsAll || isIdempotent(head),
    connectTimeoutMs: plan.timeouts.connectMs,
    offered,
  };
};
