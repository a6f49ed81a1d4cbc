import type { Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { RosterMember } from '../lib/roster.ts';
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
export interface RequestConnection extends RosterMember {
  readonly socket: Socket;
  /** The one under way; null between two. */
  readonly exchange: ServerExchange | null;
  /** Whether a request is under way, its head included, or an answer that the client has not taken yet. */
  readonly isBusy: boolean;
  /**
   * The next answer says that it is the last, and is. A connection between two requests is not closed for it: what its
   * client is sending at this moment would be lost.
   */
  isDraining: boolean;
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
