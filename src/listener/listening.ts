import { createServer, type Server, type Socket } from 'node:net';

const BACKLOG = 511;

/** Takes the connections of a port, as whoever drains and closes the data path sees it. */
export interface DataListener {
  /** Connections on which something is under way. */
  readonly busy: number;
  /** What has begun since the start: requests, or connections where that is all that can be seen. */
  readonly begun: number;
  /** Connections of any kind. */
  readonly open: number;
  /** A connection has come. */
  accept(socket: Socket): void;
  /** Goes on serving, and ends each connection after its next answer. */
  drain(): void;
  /** Breaks off what is left. */
  abandon(): void;
}

/** A port on which connections come in. Who takes them is settled after it was opened, and may change. */
export class Port {
  readonly #server: Server;
  /** Came before anybody was there to take them. */
  readonly #held: Socket[] = [];
  #listener: DataListener | null = null;

  constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      if (this.#listener !== null) this.#listener.accept(socket);
      else this.#held.push(socket.on('error', () => {}));
    });
  }

  /** Resolves with the address when it listens, rejects with the system's error. */
  listen(host: string, port: number): Promise<{ host: string; port: number }> {
    const server = this.#server;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, backlog: BACKLOG }, () => {
        server.removeListener('error', reject);
        // A connection that could not be taken, for want of descriptors: it costs that one, not the process.
        server.on('error', () => {});
        const address = server.address();
        if (address === null || typeof address === 'string') reject(new Error('no address'));
        else resolve({ host: address.address, port: address.port });
      });
    });
  }

  /** Who takes its connections from now on. */
  leadTo(listener: DataListener): void {
    this.#listener = listener;
    for (const socket of this.#held.splice(0)) {
      // The end of one that was reset meanwhile was told to nobody, and does not come again: its place would never be free.
      if (!socket.destroyed) listener.accept(socket);
    }
  }

  /** Stops accepting, and the port is free; resolves when the last connection that came by it has ended. */
  close(): Promise<void> {
    for (const socket of this.#held.splice(0)) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
