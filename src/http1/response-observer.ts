import type { Socket } from 'node:net';
import type { ResponseHead } from './response-head.ts';
import type { Violation } from './violation.ts';

/** Why an exchange with an upstream server could not be completed. */
export type WireFault =
  /** The connection ended; `error` is null for an orderly end at the wrong time. */
  | { readonly kind: 'closed'; readonly error: Error | null }
  /** The server broke a rule of the wire. */
  | { readonly kind: 'malformed'; readonly violation: Violation };

/**
 * Takes what was read, the first `length` of `bytes`: its own to keep where `isOwned`, else good until it returns. True:
 * it is free again.
 */
export type BytesListener = (bytes: Buffer, length: number, isOwned: boolean) => boolean;

/** A connection to an upstream that carries bytes and no messages. Whoever gets it owns the socket. */
export interface OpenConnection {
  readonly socket: Socket;
  /** What has been read of it already; null: nothing. */
  readonly early: Buffer | null;
  /** What is read from now on comes here, and not as `data`. To be called before the control returns to the loop. */
  listen(listener: BytesListener): void;
}

/** Hears the answer to one request. After `responseEnd`, `responseSwitched` or `responseFailed` nothing more is called. */
export interface ResponseObserver {
  responseInformational(head: ResponseHead): void;
  /** The final head; valid until the call returns. */
  responseHead(head: ResponseHead): void;
  /** True when the bytes are free again; else they stay in use. */
  responseData(chunk: Buffer): boolean;
  /** Everything that has arrived was told: what is held back for one write can go out. */
  responseFlush(): void;
  /** `trailers`: checked field lines, each with its line end. */
  responseEnd(trailers: string): void;
  /** The server speaks one of the offered protocols from now on. */
  responseSwitched(head: ResponseHead, connection: OpenConnection): void;
  responseFailed(fault: WireFault): void;
}

/** Where a connection goes when it is free again, or gone. */
export interface ConnectionKeeper<Connection> {
  /** Reads away an answer that nobody wants: it must not take for ever. */
  discarding(connection: Connection): void;
  /** Ready for another exchange. `keepAliveMs`: how long the server said it keeps it; -1 where it did not. */
  released(connection: Connection, keepAliveMs: number): void;
  /** Closed, for whatever cause. */
  gone(connection: Connection): void;
}
