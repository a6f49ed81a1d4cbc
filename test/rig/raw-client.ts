import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Signal } from './eventually.ts';
import type { Owner, RigAddress } from './owner.ts';
import { type WireMessage, WireReader } from './wire-reader.ts';

export type Bytes = string | Buffer;

/** Text stands for its latin1 bytes. */
export const toBytes = (bytes: Bytes): Buffer =>
  typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;

/** A client that writes what it is told, valid or not, and reads with the second parser. */
export class RawClient {
  readonly socket: Socket;
  /** Everything that came, in order. */
  readonly #received: Buffer[] = [];
  readonly #reader = new WireReader('response');
  readonly #changed = new Signal();
  #bytesReceived = 0;
  #closedBy: 'end' | 'reset' | null = null;
  #hasEnded = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.#bytesReceived += chunk.length;
      this.#reader.push(chunk);
      this.#changed.raise();
    });
    socket.on('end', () => {
      this.#hasEnded = true;
      this.#reader.end();
      this.#changed.raise();
    });
    socket.on('error', () => {});
    socket.on('close', (hadError: boolean) => {
      this.#closedBy = hadError || !this.#hasEnded ? 'reset' : 'end';
      this.#changed.raise();
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** True once the peer has sent its end, cleanly or not. */
  get isOver(): boolean {
    return this.#hasEnded || this.#closedBy !== null;
  }

  /** Writes without waiting. A peer that has left is no error here: what it answered before counts. */
  send(bytes: Bytes): this {
    if (!this.socket.destroyed) this.socket.write(toBytes(bytes));
    return this;
  }

  /** Writes pieces of these sizes (the last takes what is left), each in a packet of its own. */
  async sendPieces(bytes: Bytes, sizes: readonly number[]): Promise<void> {
    const all = toBytes(bytes);
    let offset = 0;
    for (let index = 0; offset < all.length && !this.isOver; index += 1) {
      const size = sizes[index] ?? all.length;
      const piece = all.subarray(offset, offset + size);
      offset += size;
      await new Promise((resolve) => this.socket.write(piece, resolve));
      // Two turns of the loop: the peer, in this process, has read the piece before the next one leaves.
      await new Promise(setImmediate);
      await new Promise(setImmediate);
    }
  }

  /** The next whole message, informational ones included. Fails when the connection ends before. */
  response(options: { readonly toHead?: boolean } = {}): Promise<WireMessage> {
    return this.#changed.until(() => {
      const message = this.#reader.next(options.toHead);
      if (message !== null) return message;
      if (this.isOver) {
        const text = this.received.toString('latin1').slice(0, 400);
        throw new Error(`the connection ended before a whole response: ${JSON.stringify(text)}`);
      }
      return null;
    });
  }

  /** The next final response. */
  async finalResponse(): Promise<WireMessage> {
    for (;;) {
      const message = await this.response();
      if (!message.startLine.startsWith('HTTP/1.1 1')) return message;
    }
  }

  /** Waits for the head alone; the body may still be on its way. */
  head(options: { readonly toHead?: boolean } = {}): Promise<{ readonly startLine: string }> {
    return this.#changed.until(() => {
      const head = this.#reader.head(options.toHead);
      if (head === null && this.isOver) throw new Error('the connection ended before a head');
      return head;
    });
  }

  /** Content of the message that is under way. */
  get partialBody(): Buffer {
    this.#reader.next();
    return this.#reader.partialBody;
  }

  /** What came after the last message that was read. */
  get unread(): Buffer {
    return this.#reader.rest;
  }

  /** Waits until at least so many bytes have come. */
  async receivedAtLeast(bytes: number): Promise<void> {
    await this.#changed.until(() => (this.#bytesReceived >= bytes ? true : null));
  }

  /** Waits for the peer's end: how it closed. */
  async closed(): Promise<'end' | 'reset'> {
    return this.#changed.until(() => this.#closedBy ?? (this.#hasEnded ? 'end' : null));
  }

  /** Half-close: no more will be sent, answers are still read. */
  end(): void {
    this.socket.end();
  }

  /** Leaves at once, with RST. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Leaves at once, with FIN. */
  leave(): void {
    this.socket.destroy();
  }
}

/** Connects; the socket goes with its owner. */
export const connectRaw = async (owner: Owner, address: RigAddress): Promise<RawClient> => {
  const socket = connect({ host: address.host, port: address.port, allowHalfOpen: true });
  owner.after(() => socket.destroy());
  await once(socket, 'connect');
  return new RawClient(socket);
};

/** One request on a connection of its own, and its final response. */
export const exchangeRaw = async (owner: Owner, address: RigAddress, bytes: Bytes): Promise<WireMessage> => {
  const client = await connectRaw(owner, address);
  const response = await client.send(bytes).finalResponse();
  client.leave();
  return response;
};
