import type { ClientConnection } from './client-connection.ts';
import type { ResponseHead } from './response-head.ts';
import type { Violation } from './violation.ts';

/** Why an exchange with an upstream server could not be completed. */
export type WireFault =
  /** The connection ended; `error` is null for an orderly end at the wrong time. */
  | { readonly kind: 'closed'; readonly error: Error | null }
  /** The server broke a rule of the wire. */
  | { readonly kind: 'malformed'; readonly violation: Violation };

/** Hears the answer to one request. After `responseEnd` or `responseFailed` nothing more is called. */
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
  responseFailed(fault: WireFault): void;
}

/** Where a connection goes when it is free again, or gone. */
export interface ConnectionKeeper {
  /** Reads away an answer that nobody wants: it must not take for ever. */
  discarding(connection: ClientConnection): void;
  /** Ready for another exchange. `keepAliveMs`: how long the server said it keeps it; -1 where it did not. */
  released(connection: ClientConnection, keepAliveMs: number): void;
  /** Closed, for whatever cause. */
  gone(connection: ClientConnection): void;
}
