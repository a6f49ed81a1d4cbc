import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Signal } from './eventually.ts';
import type { Owner, RigAddress } from './owner.ts';

/** One end of a connection that carries bytes and no messages: it says what it is told, and writes down what it hears. */
export class BytePeer {
  readonly socket: Socket;
  readonly changed = new Signal();
  readonly #received: Buffer[] = [];
  receivedBytes = 0;
  /** True once the other end has ended its half. */
  hasEnded = false;
  /** How it was closed in the end. */
  closed: 'in order' | 'by a reset' | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#received.push(chunk);
      this.receivedBytes += chunk.length;
      this.changed.raise();
    });
    socket.on('end', () => {
      this.hasEnded = true;
      this.changed.raise();
    });
    socket.on('error', () => {});
    socket.on('close', (hadError: boolean) => {
      this.closed = hadError ? 'by a reset' : 'in order';
      this.changed.raise();
    });
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  say(bytes: string | Buffer): this {
    this.socket.write(bytes);
    return this;
  }

  /** Waits until so much has come, or this text. */
  async hears(what: number | string): Promise<void> {
    await this.changed.until(() => {
      if (typeof what === 'number' ? this.receivedBytes >= what : this.text.includes(what)) return true;
      if (this.closed !== null) throw new Error(`closed ${this.closed} after ${JSON.stringify(this.text)}`);
      return null;
    });
  }

  /** Waits for the end of the other's half. */
  async ended(): Promise<void> {
    await this.changed.until(() => (this.hasEnded ? true : null));
  }

  /** Waits for the end of the connection: how it was closed. */
  over(): Promise<'in order' | 'by a reset'> {
    return this.changed.until(() => this.closed);
  }

  /** Ends its own half. */
  end(bytes?: string | Buffer): void {
    if (bytes === undefined) this.socket.end();
    else this.socket.end(bytes);
  }

  /** Not in the moment in which its half ends: the runtime cannot do that. */
  reset(): void {
    const { socket } = this;
    const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0;
    if (isEnding) socket.once('finish', () => socket.resetAndDestroy());
    else socket.resetAndDestroy();
  }
}

/** Connects; the socket goes with its owner. */
export const connectBytes = async (owner: Owner, { host, port }: RigAddress): Promise<BytePeer> => {
  const socket = connect({ host, port, allowHalfOpen: true });
  const peer = new BytePeer(socket);
  owner.after(() => socket.destroy());
  let isConnected = false;
  socket.once('connect', () => {
    isConnected = true;
    peer.changed.raise();
  });
  // A reset that comes at once may be heard before the connection is.
  await peer.changed.until(() => (isConnected || peer.closed !== null ? true : null));
  return peer;
};

/** A server whose every connection the test holds in its hands. */
export class ByteServer {
  readonly peers: BytePeer[] = [];
  readonly changed = new Signal();
  /** What is done with a connection as soon as it is accepted. */
  onPeer: (peer: BytePeer) => void = () => {};
  #port = 0;

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** The connection of that index, as soon as there is one. */
  peer(index = 0): Promise<BytePeer> {
    return this.changed.until(() => this.peers[index] ?? null);
  }

  async listen(owner: Owner): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      const peer = new BytePeer(socket);
      this.peers.push(peer);
      this.onPeer(peer);
      this.changed.raise();
    });
    server.listen({ host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    this.#port = (server.address() as { port: number }).port;
    owner.after(() => {
      for (const { socket } of this.peers) socket.destroy();
      server.close();
    });
  }
}

/** Starts one; it goes with its owner. */
export const startByteServer = async (
  owner: Owner,
  onPeer: (peer: BytePeer) => void = () => {},
): Promise<ByteServer> => {
  const server = new ByteServer();
  server.onPeer = onPeer;
  await server.listen(owner);
  return server;
};
