import type { Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { TimeoutQueue } from '../lib/timeout-queue.ts';
import type { ServerBounds } from './limits.ts';
import type { RequestHead } from './request-head.ts';
import type { ServerExchange } from './server-exchange.ts';
import type { Violation } from './violation.ts';

/** What all connections of a server share. */
export interface ServerContext {
  readonly clock: Clock;
  readonly bounds: ServerBounds;
  readonly headTimeouts: TimeoutQueue;
  readonly keepAliveTimeouts: TimeoutQueue;
  readonly bodyTimeouts: TimeoutQueue;
  readonly stallTimeouts: TimeoutQueue;
  readonly lingerTimeouts: TimeoutQueue;
  readonly handler: RequestHandler;
}

/** A client's connection, as whoever takes its requests sees it. */
export interface RequestConnection {
  readonly socket: Socket;
  /** The one under way; null between two. */
  readonly exchange: ServerExchange | null;
  /** Closes it if it is between requests, else after the answer. */
  drain(): void;
  /** The client has left: whoever works for it stops. */
  abandon(): void;
}

export interface RequestHandler {
  /** A request's head has come. The exchange is finished or cut by whoever takes it. */
  request(exchange: ServerExchange): void;
  /** What came is no request that can be answered by anyone else: the answer's text, which ends the connection. */
  refusal(violation: Violation, head: RequestHead | null): string;
  /** The client has ended its side while an answer is due. Who finds that it has left calls `abandon`. */
  clientEnded(connection: RequestConnection): void;
  closed(connection: RequestConnection): void;
}
