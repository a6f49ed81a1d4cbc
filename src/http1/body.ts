import { type ChunkedBounds, ChunkedScanner } from './chunked-scanner.ts';
import { type Violation, violations } from './violation.ts';

/** Takes a message's content as it comes. */
export interface BodyConsumer {
  bodyData(chunk: Buffer): void;
  /** `trailers`: checked field lines, each with its line end; empty for none. */
  bodyEnd(trailers: string): void;
}

/** A request's content. It can be attached again from its beginning while {@link isReplayable}. */
export interface BodySource {
  /** Content-Length; -1: chunked. */
  readonly length: number;
  /** True while everything delivered so far could be delivered again. */
  readonly isReplayable: boolean;
  /** Delivers from the first byte on, in part before it returns. A consumer from before is detached. */
  attach(consumer: BodyConsumer): void;
  /** Stops delivering to `consumer`; what comes meanwhile stays where it is. */
  detach(consumer: BodyConsumer): void;
  /** Back-pressure. */
  pause(): void;
  resume(): void;
}

/**
 * Finds the end of one message's content in the bytes that follow its head. `length` and `chunked` framing; content
 * that lasts until the connection closes needs no reader.
 */
export class BodyReader {
  violation: Violation = violations.body_size;
  /** Content so far, without framing. */
  bytes = 0;
  isDone = false;
  /** After {@link read}: the first byte that it did not take. */
  consumed = 0;

  readonly #chunked: ChunkedScanner | null;
  readonly #maxBytes: number;
  #left: number;

  /** `length` -1: chunked. `maxBytes` may be Infinity. */
  constructor(length: number, bounds: ChunkedBounds, maxBytes: number) {
    this.#chunked = length < 0 ? new ChunkedScanner(bounds) : null;
    this.#left = length;
    this.#maxBytes = maxBytes;
  }

  /** Content that is still to come; 0 where nobody knows, because it comes in chunks. */
  get missing(): number {
    return Math.max(0, this.#left);
  }

  /** The trailer fields that may go on; meaningful once {@link isDone}. */
  get trailers(): string {
    return this.#chunked === null ? '' : this.#chunked.trailers;
  }

  /** Takes bytes from `from` to `end`; the content among them then begins at `from`: returns where it ends, or -1. */
  read(bytes: Buffer, from: number, end: number): number {
    const dataEnd =
      this.#chunked === null
        ? this.#readLength(from, end)
        : this.#readChunked(this.#chunked, bytes, from, end);
    if (dataEnd < 0) return -1;
    this.bytes += dataEnd - from;
    if (this.bytes <= this.#maxBytes) return dataEnd;
    this.violation = violations.body_size;
    return -1;
  }

  #readLength(from: number, end: number): number {
    const dataEnd = Math.min(end, from + this.#left);
    this.#left -= dataEnd - from;
    this.consumed = dataEnd;
    this.isDone = this.#left === 0;
    return dataEnd;
  }

  #readChunked(scanner: ChunkedScanner, bytes: Buffer, from: number, end: number): number {
    const dataEnd = scanner.scan(bytes, from, end);
    if (dataEnd < 0) {
      this.violation = scanner.violation;
      return -1;
    }
    this.consumed = scanner.consumed;
    this.isDone = scanner.isDone;
    return dataEnd;
  }
}
