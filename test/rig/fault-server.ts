import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Owner, RigAddress } from './owner.ts';

/** What goes wrong between the proxy and an endpoint: the eight of Toxiproxy. */
export type Fault =
  | { readonly kind: 'none' }
  /** Every piece arrives later. */
  | { readonly kind: 'latency'; readonly delayMs: number }
  | { readonly kind: 'bandwidth'; readonly bytesPerSecond: number }
  /** The end arrives later. */
  | { readonly kind: 'slow_close'; readonly delayMs: number }
  /** Connections are accepted and nothing ever moves. */
  | { readonly kind: 'black_hole' }
  /** Reset after so many bytes of the answer; 0: at once. */
  | { readonly kind: 'reset'; readonly afterBytes: number }
  /** Pieces of so many bytes, each on its own. */
  | { readonly kind: 'slicer'; readonly bytes: number }
  /** A clean end after so many bytes of the answer. */
  | { readonly kind: 'limit_data'; readonly bytes: number }
  /** Nobody listens. */
  | { readonly kind: 'down' };

/** Stands before an endpoint and can be made to misbehave while the test runs. A new fault holds for new connections. */
export class FaultServer {
  readonly #target: RigAddress;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #fault: Fault = { kind: 'none' };
  #port = 0;
  /** Connections that were accepted. */
  accepted = 0;
  /** What the next connection suffers; null: the fault that is set. For faults that come at random. */
  choose: (() => Fault) | null = null;

  constructor(target: RigAddress) {
    this.#target = target;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async listen(): Promise<void> {
    this.#server.listen({ host: '127.0.0.1', port: this.#port });
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as { port: number }).port;
  }

  /** `down` also resets the connections that are open; anything else listens again. */
  async set(fault: Fault): Promise<void> {
    this.#fault = fault;
    if (fault.kind === 'down') {
      this.close();
      return;
    }
    if (this.#server.listening) return;
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    await this.listen();
  }

  /** Resets what is open. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  /** Nobody listens there from now on, and what is open is reset. */
  close(): void {
    this.cut();
    if (this.#server.listening) this.#server.close();
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    this.#own(client);
    const fault = this.choose?.() ?? this.#fault;
    if (fault.kind === 'black_hole') {
      client.pause();
      return;
    }
    if (fault.kind === 'reset' && fault.afterBytes === 0) {
      client.resetAndDestroy();
      return;
    }
    const target = connect({ ...this.#target, allowHalfOpen: true });
    this.#own(target);
    void carry(client, target, fault.kind === 'reset' || fault.kind === 'limit_data' ? none : fault);
    void carry(target, client, fault);
    breakTogether(client, target);
    breakTogether(target, client);
  }

  #own(socket: Socket): void {
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

/** The runtime loses sight of a socket that is reset while its half is being ended, and the process never ends. */
const reset = (socket: Socket): void => {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
};

/** One that closed in order has said and heard all, and what it said may still be on its way to the other. */
const breakTogether = (socket: Socket, other: Socket): void => {
  socket.on('close', () => {
    if (!socket.readableEnded || !socket.writableFinished) other.destroy();
  });
};

const none: Fault = { kind: 'none' };

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const write = async (to: Socket, bytes: Buffer): Promise<void> => {
  if (to.destroyed || to.write(bytes)) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  to.on('drain', resolve);
  to.on('close', resolve);
  await promise;
  to.off('drain', resolve);
  to.off('close', resolve);
};

/** Carries one direction from end to end, the fault applied. */
const carry = async (from: Socket, to: Socket, fault: Fault): Promise<void> => {
  let carried = 0;
  try {
    for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (fault.kind === 'latency') await pause(fault.delayMs);
      if (fault.kind === 'bandwidth') await pause((chunk.length / fault.bytesPerSecond) * 1000);
      const limit =
        fault.kind === 'reset' ? fault.afterBytes : fault.kind === 'limit_data' ? fault.bytes : Infinity;
      const piece = chunk.subarray(0, Math.max(0, limit - carried));
      const size = fault.kind === 'slicer' ? fault.bytes : piece.length;
      for (let offset = 0; offset < piece.length; offset += size) {
        await write(to, piece.subarray(offset, offset + size));
        if (size < piece.length) await pause(0);
      }
      carried += piece.length;
      if (carried >= limit) {
        if (fault.kind === 'reset') reset(to);
        else to.on('close', () => from.destroy());
        break;
      }
    }
    if (fault.kind === 'slow_close') await pause(fault.delayMs);
    to.end();
  } catch {
    to.destroy();
  }
};

export const startFaultServer = async (owner: Owner, target: RigAddress): Promise<FaultServer> => {
  const server = new FaultServer(target);
  owner.after(() => server.close());
  await server.listen();
  return server;
};
