import type { BodySource } from '../http1/body.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { isIdempotentMethod } from '../policy/retry.ts';
import type { OutgoingRequest } from '../upstream/transport.ts';
import { requestText } from './headers.ts';
import type { ForwardContext, Plan } from './plan.ts';
import type { Destination } from './route.ts';

/** True when sending the request twice does no more than sending it once, or its sender says so. */
export const isIdempotent = (head: RequestHead): boolean =>
  isIdempotentMethod(head.method) || head.idempotencyKeyField >= 0;

/** Our Via line (RFC 9110 section 7.6.3), with its line end; `minor` of the message that was received. */
export const viaLine = (minor: number, pseudonym: string): string => `Via: 1.${minor} ${pseudonym}\r\n`;

/** A request as the upstream is to get it. */
export const outgoingRequest = (
  head: RequestHead,
  body: BodySource | null,
  plan: Plan,
  destination: Destination,
  { pseudonym }: ForwardContext,
  isFirstAttempt: boolean,
): OutgoingRequest => ({
  method: head.method,
  headText: requestText(head, {
    host: destination.host,
    via: viaLine(head.minor, pseudonym),
    withExpect: isFirstAttempt,
  }),
  body,
  isRepeatable: plan.repeatsAll || isIdempotent(head),
  connectTimeoutMs: plan.timeouts.connectMs,
});
