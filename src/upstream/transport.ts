import type { BodySource } from '../http1/body.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { OpenConnection } from '../http1/response-observer.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { Endpoint } from './endpoint.ts';

/**
 * The seam between the pipeline and whatever carries an attempt. Nothing here returns a promise, and nothing throws: an
 * attempt that cannot even begin ends like any other, by `end`.
 */
export interface Transport {
  /** An attempt that has not begun: the caller keeps it first, since `start` may call the sink before it returns. */
  prepare(endpoint: Endpoint, request: OutgoingRequest, sink: ResponseSink): Attempt;
}

/** What an attempt sends. */
export interface OutgoingRequest {
  readonly method: string;
  /** The whole head as HTTP/1.1 wire text (latin1), through its empty line. */
  readonly headText: string;
  /** null: no body. */
  readonly body: BodySource | null;
  /** True: a failed reused connection may be answered by one more sending even if bytes were written. */
  readonly isRepeatable: boolean;
  readonly connectTimeoutMs: number;
  /** Protocols, in lower case with `, ` between them, that the head offers to switch to; empty for none. */
  readonly offered: string;
}

/** What comes back from an attempt. After `end` or `switched` nothing more is called. */
export interface ResponseSink {
  /** A connection is there: `connectMs` is 0 for one that was kept. */
  connected(connectMs: number): void;
  informational(head: ResponseHead): void;
  /** The final head. It is valid until the call returns. */
  head(head: ResponseHead): void;
  /** True when the bytes are free again; else they stay in use. */
  data(chunk: Buffer): boolean;
  /** All that has arrived was told: what is held back for one write can go out. */
  flush(): void;
  /**
   * Instead of `head` and `end`: bytes flow from now on, and the sink owns the connection. `head`: the 101 (Switching
   * Protocols) to a request that offered it; null: a connection was all that was wanted.
   */
  switched(head: ResponseHead | null, connection: OpenConnection): void;
  /**
   * Exactly once, unless it was switched. `success` after a complete answer, then `trailers` are checked field lines, each with its line end;
   * anything else when it broke off, before or after the head.
   */
  end(outcome: Outcome, trailers: string): void;
}

/** One try at one endpoint. */
export interface Attempt {
  /** Once. */
  start(): void;
  pause(): void;
  resume(): void;
  /** Breaks it off at the socket. The sink hears `end(outcome)` before this returns, unless it has ended already. */
  abort(outcome: Outcome): void;
  /**
   * The answer is not wanted: what is left of it is read away within bounds, so that the connection can be kept. The
   * sink hears nothing more.
   */
  discard(): void;
}
