import type { ChunkedBounds } from './chunked-scanner.ts';
import type { HeadBounds } from './head-scanner.ts';

/** Bounds of the wire, both directions. All are finite; sizes in bytes, times in ms. */
export interface WireLimits {
  /** Method, target and version, without the line end. */
  readonly requestLineBytes: number;
  /** A request's whole head. */
  readonly requestHeadBytes: number;
  /** Header fields of one message; also of one trailer section. */
  readonly fields: number;
  /** A response's whole head, and also each informational head. */
  readonly responseHeadBytes: number;
  readonly trailerBytes: number;
  /** All chunk extensions of one chunk. */
  readonly chunkExtensionBytes: number;
  /** Informational responses before the final one. */
  readonly informational: number;
  /** From the first byte of a request, or from accepting the connection, to the end of its head. */
  readonly headTimeoutMs: number;
  /** Between two bytes of a request's body while we are reading. */
  readonly requestBodyIdleMs: number;
  /** A client that does not take what was written to it. */
  readonly writeStallMs: number;
  /** A kept-alive connection without a request. */
  readonly keepAliveMs: number;
  /** A request's body, counted without framing. */
  readonly requestBodyBytes: number;
}

/** The limits as the two directions of the wire use them: put together once, when the configuration is built. */
export interface ServerBounds {
  readonly head: HeadBounds;
  readonly chunked: ChunkedBounds;
  readonly bodyBytes: number;
}

export interface ClientBounds {
  readonly head: HeadBounds;
  readonly chunked: ChunkedBounds;
  /** Informational heads before the final one. */
  readonly informational: number;
}

const chunkedBounds = (limits: WireLimits): ChunkedBounds => ({
  extensionBytes: limits.chunkExtensionBytes,
  trailerBytes: limits.trailerBytes,
  fields: limits.fields,
});

export const serverBounds = (limits: WireLimits): ServerBounds => ({
  head: { lineBytes: limits.requestLineBytes, headBytes: limits.requestHeadBytes, fields: limits.fields },
  chunked: chunkedBounds(limits),
  bodyBytes: limits.requestBodyBytes,
});

export const clientBounds = (limits: WireLimits): ClientBounds => ({
  head: { lineBytes: limits.responseHeadBytes, headBytes: limits.responseHeadBytes, fields: limits.fields },
  chunked: chunkedBounds(limits),
  informational: limits.informational,
});
