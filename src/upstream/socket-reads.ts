import type { OnReadOpts } from 'node:net';

const BUFFER_BYTES = 64 * 1024;
/** What is read at once and is no longer than this is dealt with at once, or copied. */
const SMALL_BYTES = 8 * 1024;

/** Small reads of all sockets land here: between a read and the end of its callback nothing else is read. */
const sharedBuffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);

/** Takes what was read. The bytes are its own to keep where `isOwned`; else they hold until it returns. */
export type ReadListener = (bytes: Buffer, isOwned: boolean) => void;

/**
 * How a socket to an upstream is read: small answers without a new buffer each, which costs more than the answer itself;
 * bulk into buffers that are handed on, so that nothing large is copied twice. The size of the last read tells which is
 * to be expected.
 */
export class SocketReads {
  /** Set by whoever gets the connected socket. */
  listener: ReadListener | null = null;
  readonly onread: OnReadOpts;
  #next = sharedBuffer;

  constructor() {
    this.onread = {
      buffer: () => this.#next,
      callback: (length, bytes) => this.#read(length, bytes as Buffer),
    };
  }

  #read(length: number, bytes: Buffer): boolean {
    const read = bytes.subarray(0, length);
    if (length <= SMALL_BYTES) {
      this.#next = sharedBuffer;
      this.listener?.(read, false);
    } else {
      this.#next = Buffer.allocUnsafeSlow(BUFFER_BYTES);
      this.listener?.(bytes === sharedBuffer ? Buffer.from(read) : read, true);
    }
    return true;
  }
}
