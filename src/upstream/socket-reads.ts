import type { OnReadOpts } from 'node:net';
import type { BytesListener } from '../http1/response-observer.ts';

/** Holds an answer of 64 KiB with its head, so that it is read at once. */
const BUFFER_BYTES = 128 * 1024;
/** What is read at once and is no longer than this is dealt with at once, or copied. */
const SMALL_BYTES = 8 * 1024;
/** So many small reads in a row, and a socket gives up the buffer that it had for bulk. */
const ENOUGH_SMALL_READS = 16;

/** Small reads of all sockets land here: between a read and the end of its callback nothing else is read. */
const sharedBuffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);

/**
 * How a socket to an upstream is read. A new buffer for each read costs more than a small answer itself, so those share
 * one; a socket that brings bulk gets one of its own, which is used again as long as what was in it is out in time.
 */
export class SocketReads {
  /** Set by whoever gets the connected socket. */
  listener: BytesListener | null = null;
  readonly onread: OnReadOpts;
  #next = sharedBuffer;
  #smallReads = 0;

  constructor() {
    this.onread = {
      buffer: () => this.#next,
      callback: (length, bytes) => this.#read(bytes as Buffer, length),
    };
  }

  #read(bytes: Buffer, length: number): boolean {
    if (this.#next !== sharedBuffer) this.#readOwn(bytes, length);
    else if (length <= SMALL_BYTES) this.listener?.(bytes, length, false);
    else {
      this.#next = Buffer.allocUnsafeSlow(BUFFER_BYTES);
      this.listener?.(Buffer.from(bytes.subarray(0, length)), length, true);
    }
    return true;
  }

  #readOwn(bytes: Buffer, length: number): void {
    this.#smallReads = length <= SMALL_BYTES ? this.#smallReads + 1 : 0;
    const isFree = this.listener?.(bytes, length, true) ?? true;
    if (this.#smallReads >= ENOUGH_SMALL_READS) {
      this.#smallReads = 0;
      this.#next = sharedBuffer;
    } else if (!isFree) this.#next = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  }
}
