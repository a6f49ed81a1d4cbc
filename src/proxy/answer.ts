import type { ResponseHead } from '../http1/response-head.ts';
import type { Exchange } from './exchange.ts';
import { responseText } from './headers.ts';
import type { ForwardContext } from './plan.ts';

/** An upstream's answer as the client is to see it. */
export interface Answer {
  readonly status: number;
  /** The head, through its empty line. */
  readonly headText: string;
  readonly isChunked: boolean;
  readonly willClose: boolean;
}

/** Frames an upstream's answer for this client: nothing of the upstream's own framing is taken over unsaid. */
export const answerFor = (exchange: Exchange, head: ResponseHead, context: ForwardContext): Answer => {
  const { minor } = exchange.head;
  const hasUnknownEnd = head.framing === 'chunked' || head.framing === 'close';
  const isChunked = hasUnknownEnd && minor === 1;
  const willClose = !exchange.canPersist || (hasUnknownEnd && !isChunked);
  const keepAlive = minor === 0 && !willClose ? 'keep-alive' : '';
  const headText = responseText(head, {
    via: context.via[head.minor],
    isChunked,
    connection: willClose ? 'close' : keepAlive,
  });
  return { status: head.status, headText, isChunked, willClose };
};
