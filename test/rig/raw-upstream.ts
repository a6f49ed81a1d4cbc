import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { Signal } from './eventually.ts';
import type { Owner } from './owner.ts';
import { type Bytes, toBytes } from './raw-client.ts';
import { type Fields, type WireMessage, WireReader } from './wire-reader.ts';

/** One request that the upstream was sent, from its head on. */
export class RawExchange {
  readonly connection: RawConnection;
  readonly startLine: string;
  readonly fields: Fields;
  /** The whole request, once it is there. */
  message: WireMessage | null = null;

  constructor(connection: RawConnection, head: { readonly startLine: string; readonly fields: Fields }) {
    this.connection = connection;
    this.startLine = head.startLine;
    this.fields = head.fields;
  }

  /** Waits for the whole request; never resolves when it is cut. */
  whole(): Promise<WireMessage> {
    return this.connection.changed.until(() => this.message);
  }

  write(bytes: Bytes): void {
    this.connection.write(bytes);
  }
}

/** One connection to the upstream, with every byte that came on it. */
export class RawConnection {
  readonly socket: Socket;
  readonly changed = new Signal();
  readonly exchanges: RawExchange[] = [];
  /** What the second parser has against what came; null: nothing. */
  complaint: Error | null = null;
  /** True once the other side has ended or reset it. */
  isOver = false;
  readonly #received: Buffer[] = [];
  readonly #reader = new WireReader('request');
  #open: RawExchange | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => {});
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** Takes bytes in; returns the exchanges whose heads are new. */
  take(chunk: Buffer): RawExchange[] {
    this.#received.push(chunk);
    this.#reader.push(chunk);
    const begun: RawExchange[] = [];
    try {
      while (this.#readOne(begun)) {}
    } catch (error) {
      this.complaint ??= error as Error;
    }
    return begun;
  }

  write(bytes: Bytes): void {
    if (!this.socket.destroyed) this.socket.write(toBytes(bytes));
  }

  /** Waits until the proxy has closed its side. */
  async over(): Promise<void> {
    await this.changed.until(() => (this.isOver ? true : null));
  }

  /** Content of the request that is under way. */
  get partialBody(): Buffer {
    return this.#reader.partialBody;
  }

  #readOne(begun: RawExchange[]): boolean {
    if (this.#open === null) {
      const head = this.#reader.head();
      if (head === null) return false;
      this.#open = new RawExchange(this, head);
      this.exchanges.push(this.#open);
      begun.push(this.#open);
    }
    this.#open.message = this.#reader.next();
    if (this.#open.message === null) return false;
    this.#open = null;
    return true;
  }
}

export type RawHandler = (exchange: RawExchange) => unknown;

/** A server that records raw bytes and answers what the test says, byte for byte. */
export class RawUpstream {
  readonly connections: RawConnection[] = [];
  readonly exchanges: RawExchange[] = [];
  readonly changed = new Signal();
  /** Called at each request's head; replace it at any time. */
  handler: RawHandler;
  /** Called for each connection before anything is read. */
  onConnection: (connection: RawConnection) => void = () => {};
  readonly #server: Server;

  constructor(server: Server, handler: RawHandler) {
    this.#server = server;
    this.handler = handler;
    server.on('connection', (socket: Socket) => this.#accept(socket));
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** `127.0.0.1:port`, as an endpoint is written. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Every byte of every connection, in the order of the connections. */
  get received(): Buffer {
    return Buffer.concat(this.connections.map((connection) => connection.received));
  }

  /** Requests that came whole. */
  get messages(): WireMessage[] {
    return this.exchanges.flatMap(({ message }) => (message === null ? [] : [message]));
  }

  /** What the second parser has against anything that came. */
  get complaints(): Error[] {
    return this.connections.flatMap(({ complaint }) => (complaint === null ? [] : [complaint]));
  }

  /** Waits for the exchange of that index (0: the first since the start). */
  exchange(index: number): Promise<RawExchange> {
    return this.changed.until(() => this.exchanges[index] ?? null);
  }

  connection(index: number): Promise<RawConnection> {
    return this.changed.until(() => this.connections[index] ?? null);
  }

  /** Stops listening and resets every connection: the process was killed. */
  kill(): void {
    this.#server.close();
    for (const { socket } of this.connections) socket.resetAndDestroy();
  }

  #accept(socket: Socket): void {
    const connection = new RawConnection(socket);
    this.connections.push(connection);
    const over = (): void => {
      connection.isOver = true;
      connection.changed.raise();
      this.changed.raise();
    };
    socket.on('data', (chunk: Buffer) => {
      const begun = connection.take(chunk);
      this.exchanges.push(...begun);
      connection.changed.raise();
      this.changed.raise();
      for (const exchange of begun) this.handler(exchange);
    });
    socket.on('end', over);
    socket.on('close', over);
    this.onConnection(connection);
    this.changed.raise();
  }
}

/** A handler that answers each whole request with these bytes. */
export const answering =
  (bytes: Bytes): RawHandler =>
  async (exchange) => {
    await exchange.whole();
    exchange.write(bytes);
  };

/** The plainest good answer. */
export const ok = (body = 'ok', fields = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${fields}\r\n${body}`;

export const startRawUpstream = async (
  owner: Owner,
  handler: RawHandler = answering(ok()),
  port = 0,
): Promise<RawUpstream> => {
  const server = createServer({ allowHalfOpen: true });
  const upstream = new RawUpstream(server, handler);
  server.listen({ host: '127.0.0.1', port });
  owner.after(() => upstream.kill());
  await once(server, 'listening');
  return upstream;
};
