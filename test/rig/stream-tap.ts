import { connect, type Socket } from 'node:net';
import type { Owner, RigAddress } from './owner.ts';

/** Counts what comes over a stream, and keeps nothing: a reader that costs next to nothing. */
export class StreamTap {
  bytes = 0;
  /** How often the mark has come. */
  marks = 0;
  readonly #socket: Socket;
  readonly #mark: Buffer;
  /** The end of what has come, in which a mark may have begun. */
  #tail = Buffer.alloc(0);

  /** `mark`: bytes that each tick holds once. */
  constructor(address: RigAddress, path: string, mark: string) {
    this.#mark = Buffer.from(mark);
    this.#socket = connect(address.port, address.host, () => {
      this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    });
    this.#socket.on('data', (bytes: Buffer) => this.#count(bytes));
    this.#socket.on('error', () => {});
  }

  close(): void {
    this.#socket.destroy();
  }

  #count(bytes: Buffer): void {
    this.bytes += bytes.length;
    const seam = Buffer.concat([this.#tail, bytes.subarray(0, this.#mark.length - 1)]);
    for (const part of [seam, bytes]) {
      for (let at = part.indexOf(this.#mark); at >= 0; at = part.indexOf(this.#mark, at + 1)) this.marks += 1;
    }
    this.#tail = Buffer.concat([this.#tail, bytes]).subarray(1 - this.#mark.length);
  }
}

/** Reads a stream of the admin interface until its owner ends. */
export const tapStream = (owner: Owner, address: RigAddress, path: string, mark: string): StreamTap => {
  const tap = new StreamTap(address, path, mark);
  owner.after(() => tap.close());
  return tap;
};
