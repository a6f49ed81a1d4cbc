import { createServer, type Server, type Socket } from 'node:net';
import type { ServerBounds } from '../http1/limits.ts';
import type { RequestHandler, ServerContext } from '../http1/request-handler.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { ServerConnection } from '../http1/server-connection.ts';
import type { ServerExchange } from '../http1/server-exchange.ts';
import type { Violation } from '../http1/violation.ts';
import { TimeoutQueue } from '../lib/timeout-queue.ts';
import { type Rejected, rejected } from '../policy/outcome.ts';
import { ExchangeRecord, type RecordSource } from '../proxy/exchange-record.ts';
import { forward } from '../proxy/forward.ts';
import type { ForwardContext } from '../proxy/plan.ts';
import { refusalOf } from '../proxy/refusal.ts';
import { endsConnection, refusalText, writeOwnAnswer } from '../proxy/reply.ts';
import { isLoop, type Routed } from '../proxy/route.ts';
import type { CommandRecorder } from '../telemetry/events.ts';
import type { ConnectionCap } from './connection-cap.ts';
import type { Departures } from './departures.ts';

/** How long a connection that we have ended may take to end on the client's side. */
const LINGER_MS = 1000;
/** A FIN that comes this long after the request's last byte is no part of the request. */
const LAST_WORD_MS = 20;
const BACKLOG = 511;

export interface HttpListenerOptions {
  readonly context: ForwardContext;
  readonly bounds: ServerBounds;
  readonly timeouts: {
    readonly headMs: number;
    readonly keepAliveMs: number;
    readonly bodyIdleMs: number;
    readonly writeStallMs: number;
  };
  readonly cap: ConnectionCap;
  readonly departures: Departures;
  /** Books for requests that find no command. */
  readonly unrouted: CommandRecorder;
  route(head: RequestHead): Routed | Rejected;
}

/** One HTTP port on localhost: sockets in, exchanges out. */
export class HttpListener implements RequestHandler {
  readonly #options: HttpListenerOptions;
  readonly #context: ServerContext;
  readonly #server: Server;
  readonly #connections = new Set<ServerConnection>();
  #isDraining = false;

  constructor(options: HttpListenerOptions) {
    this.#options = options;
    const { clock } = options.context;
    const { timeouts } = options;
    this.#context = {
      clock,
      bounds: options.bounds,
      headTimeouts: new TimeoutQueue(clock, timeouts.headMs),
      keepAliveTimeouts: new TimeoutQueue(clock, timeouts.keepAliveMs),
      bodyTimeouts: new TimeoutQueue(clock, timeouts.bodyIdleMs),
      stallTimeouts: new TimeoutQueue(clock, timeouts.writeStallMs),
      lingerTimeouts: new TimeoutQueue(clock, LINGER_MS),
      handler: this,
    };
    this.#server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
  }

  /** Resolves when it listens, rejects with the system's error. */
  listen(host: string, port: number): Promise<{ host: string; port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host, port, backlog: BACKLOG }, () => {
        this.#server.removeListener('error', reject);
        // A connection that could not be taken, for want of descriptors: it costs that one, not the process.
        this.#server.on('error', () => {});
        const address = this.#server.address();
        if (address === null || typeof address === 'string') reject(new Error('no address'));
        else resolve({ host: address.address, port: address.port });
      });
    });
  }

  /** Connections with an exchange under way, or with an answer that the client has not taken yet. */
  get busy(): number {
    let busy = 0;
    for (const { exchange, socket } of this.#connections) {
      if (exchange !== null || socket.writableLength > 0) busy += 1;
    }
    return busy;
  }

  /** Goes on serving, but every answer from now on ends its connection. */
  drain(): void {
    this.#isDraining = true;
    for (const connection of this.#connections) connection.drain();
  }

  /** Stops accepting and breaks off what is left. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const connection of this.#connections) connection.abandon();
    const { headTimeouts, keepAliveTimeouts, bodyTimeouts, stallTimeouts, lingerTimeouts } = this.#context;
    for (const queue of [headTimeouts, keepAliveTimeouts, bodyTimeouts, stallTimeouts, lingerTimeouts])
      queue.close();
    await closed;
  }

  request(exchange: ServerExchange): void {
    const { context, route } = this.#options;
    const { head } = exchange;
    const refusal = refusalFor(head, context.pseudonym);
    if (refusal !== null) {
      this.#refuse(exchange, refusal);
      return;
    }
    if (isForUs(head)) {
      this.#answerOptions(exchange);
      return;
    }
    const routed = route(head);
    if (routed.kind === 'rejected') this.#refuse(exchange, routed);
    else forward(exchange, routed.plan, routed.destination, context);
  }

  refusal(violation: Violation, head: RequestHead | null): string {
    const refusal = refusalOf(violation);
    const record = this.#record({ head, requestBytes: 0, responseBytes: 0 });
    const text = refusalText(record, refusal);
    this.#note(record, { ...refusal, detail: violation.rule });
    return text;
  }

  clientEnded(connection: ServerConnection): void {
    const { exchange } = connection;
    const { departures, context } = this.#options;
    if (exchange === null) return;
    // Who has only said the last word says so with it; who gives up has waited for a while. Of content that nobody has
    // read yet, the last word may have come just now.
    const silentMs = exchange.isRequestDone ? context.clock.now() - exchange.receivedAt : 0;
    if (silentMs > LAST_WORD_MS) connection.abandon();
    else {
      departures.ask(connection.socket, (hasLeft) => {
        if (hasLeft && connection.exchange === exchange) connection.abandon();
      });
    }
  }

  closed(connection: ServerConnection): void {
    this.#connections.delete(connection);
    this.#options.cap.leave();
  }

  #accept(socket: Socket): void {
    if (!this.#options.cap.enter()) {
      this.#turnAway(socket);
      return;
    }
    const connection = new ServerConnection(socket, this.#context);
    connection.isDraining = this.#isDraining;
    this.#connections.add(connection);
  }

  /** One connection too many: it is told so, and nothing is kept of it. */
  #turnAway(socket: Socket): void {
    const refusal = rejected('too_many_connections');
    const record = this.#record({ head: null, requestBytes: 0, responseBytes: 0 });
    const text = refusalText(record, refusal);
    this.#note(record, refusal);
    socket.on('error', () => socket.destroy());
    socket.end(text, 'latin1', () => socket.destroy());
  }

  #answerOptions(exchange: ServerExchange): void {
    const record = this.#record(exchange);
    record.status = 200;
    const willClose = endsConnection(exchange);
    const connection = willClose ? 'Connection: close\r\n' : '';
    exchange.respond(`HTTP/1.1 200 OK\r\nContent-Length: 0\r\n${connection}\r\n`, false, willClose);
    this.#note(record, null);
    exchange.finish();
  }

  #refuse(exchange: ServerExchange, refusal: Rejected): void {
    const record = this.#record(exchange);
    writeOwnAnswer(exchange, record, refusal);
    this.#note(record, refusal);
    exchange.finish();
  }

  #record(source: RecordSource): ExchangeRecord {
    const { clock, nextRequestId } = this.#options.context;
    return new ExchangeRecord(source, clock.now(), nextRequestId, null);
  }

  /** Into the books: a request that never found a command. null: it was answered as asked. */
  #note(record: ExchangeRecord, refusal: Rejected | null): void {
    const { context, unrouted } = this.#options;
    const now = context.clock.now();
    if (refusal !== null) {
      unrouted.requestRejected(refusal.reason, now);
      record.ended(refusal, now);
    } else record.totalMs = now - record.startedAt;
    unrouted.exchangeEnded(record, now);
    context.bus.exchangeEnded(record);
  }
}

/** OPTIONS that may go no further is answered by whoever has it (RFC 9110 section 7.6.2). */
const isForUs = (head: RequestHead): boolean =>
  head.method === 'OPTIONS' && head.maxForwardsField >= 0 && /^0+$/.test(head.value(head.maxForwardsField));

/** What no route could change. */
const refusalFor = (head: RequestHead, pseudonym: string): Rejected | null => {
  if (head.method === 'CONNECT') {
    return rejected(
      'connect_unsupported',
      -1,
      'Send plain http requests, or reach the destination without the proxy',
    );
  }
  if (isLoop(head, pseudonym)) return rejected('proxy_loop');
  // Cleartext HTTP/2 is never passed on: an offer of it is taken out, and the request is an ordinary one.
  if (head.upgrade !== '' && head.upgrade !== 'h2c') {
    return rejected('upgrade_unsupported', -1, 'Protocol upgrades cannot be passed on');
  }
  return null;
};
