import type { RequestHandler, ServerContext } from '../../src/http1/request-handler.ts';
import type { ServerExchange } from '../../src/http1/server-exchange.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { TimeoutQueue } from '../../src/lib/timeout-queue.ts';

/** What connections of clients share, with the default limits; `request` takes their exchanges. */
export const serverContext = (clock: Clock, request: (exchange: ServerExchange) => void): ServerContext => {
  const queue = (ms: number) => new TimeoutQueue(clock, ms);
  const handler: RequestHandler = { request, refusal: () => '', clientEnded() {}, closed() {} };
  return {
    clock,
    bounds: {
      head: { lineBytes: 8192, headBytes: 32_768, fields: 200 },
      chunked: { extensionBytes: 1024, trailerBytes: 8192, fields: 200 },
      bodyBytes: Number.POSITIVE_INFINITY,
    },
    headTimeouts: queue(10_000),
    keepAliveTimeouts: queue(60_000),
    bodyTimeouts: queue(30_000),
    stallTimeouts: queue(30_000),
    lingerTimeouts: queue(1000),
    handler,
  };
};
