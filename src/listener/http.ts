import type { Socket } from 'node:net';
import type { ServerBounds } from '../http1/limits.ts';
import type { RequestConnection, RequestHandler, ServerContext } from '../http1/request-handler.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { ServerConnection } from '../http1/server-connection.ts';
import type { ServerExchange } from '../http1/server-exchange.ts';
import type { Violation } from '../http1/violation.ts';
import type { Cap } from '../lib/cap.ts';
import { Roster } from '../lib/roster.ts';
import type { TimeoutQueues } from '../lib/timeout-queues.ts';
import { type Rejected, rejected } from '../policy/outcome.ts';
import { ExchangeRecord, type RecordSource } from '../proxy/exchange-record.ts';
import { forward } from '../proxy/forward.ts';
import type { ForwardContext } from '../proxy/plan.ts';
import { refusalOf } from '../proxy/refusal.ts';
import { endsConnection, refusalText, writeOwnAnswer } from '../proxy/reply.ts';
import { isLoop, type Routed } from '../proxy/route.ts';
import { upgradeRefusal } from '../proxy/upgrade.ts';
import type { CommandRecorder } from '../telemetry/events.ts';
import type { Departures } from './departures.ts';
import type { DataListener } from './listening.ts';

/** How long a connection that we have ended may take to end on the client's side. */
const LINGER_MS = 1000;
/** A FIN that comes this long after the request's last byte is no part of the request. */
const LAST_WORD_MS = 20;

/** How long clients may take, and how much they may send. */
export interface HttpListenerLimits {
  readonly bounds: ServerBounds;
  readonly timeouts: {
    readonly headMs: number;
    readonly keepAliveMs: number;
    readonly bodyIdleMs: number;
    readonly writeStallMs: number;
  };
}

export interface HttpListenerOptions {
  readonly context: ForwardContext;
  readonly limits: HttpListenerLimits;
  /** Where its timeouts run; they are closed by whoever made them. */
  readonly timeouts: TimeoutQueues;
  readonly cap: Cap;
  readonly departures: Departures;
  /** Books for requests that find no command. */
  readonly unrouted: CommandRecorder;
  route(head: RequestHead): Routed | Rejected;
}

/** Connections that speak HTTP: sockets in, exchanges out. */
export class HttpListener implements RequestHandler, DataListener {
  readonly #options: HttpListenerOptions;
  readonly #context: Changing<ServerContext>;
  readonly #connections = new Roster<RequestConnection>();
  #isDraining = false;
  #begun = 0;

  constructor(options: HttpListenerOptions) {
    this.#options = options;
    this.#context = { clock: options.context.clock, handler: this, ...this.#inForce(options.limits) };
  }

  /** Takes other limits over: what is armed or being read goes on under those that it began with. */
  update(limits: HttpListenerLimits): void {
    Object.assign(this.#context, this.#inForce(limits));
  }

  get busy(): number {
    let busy = 0;
    for (const { isBusy } of this.#connections) if (isBusy) busy += 1;
    return busy;
  }

  get begun(): number {
    return this.#begun;
  }

  get open(): number {
    return this.#connections.size;
  }

  /** Goes on serving, but every answer from now on ends its connection. */
  drain(): void {
    this.#isDraining = true;
    for (const connection of this.#connections) connection.isDraining = true;
  }

  abandon(): void {
    for (const connection of this.#connections) connection.abandon();
  }

  request(exchange: ServerExchange): void {
    const { context, route } = this.#options;
    this.#begun += 1;
    const { head } = exchange;
    if (isLoop(head, context.pseudonym)) {
      this.#refuse(exchange, rejected('proxy_loop'));
      return;
    }
    if (isForUs(head)) {
      this.#answerOptions(exchange);
      return;
    }
    const routed = route(head);
    if (routed.kind === 'rejected') {
      this.#refuse(exchange, routed);
      return;
    }
    const notOffered = upgradeRefusal(head, routed.plan);
    if (notOffered !== null) this.#refuse(exchange, notOffered);
    else forward(exchange, routed.plan, routed.destination, context);
  }

  refusal(violation: Violation, head: RequestHead | null): string {
    this.#begun += 1;
    const refusal = refusalOf(violation);
    const record = this.#record({ protocol: 'http', head, requestBytes: 0, responseBytes: 0 });
    const text = refusalText(record, refusal);
    this.#note(record, { ...refusal, detail: violation.rule });
    return text;
  }

  clientEnded(connection: RequestConnection): void {
    const { exchange } = connection;
    const { departures, context } = this.#options;
    if (exchange === null) return;
    // Who has only said the last word says so with it; who gives up has waited for a while. Of content that nobody has
    // read yet, the last word may have come just now.
    const silentMs = exchange.isRequestDone ? context.clock.now() - exchange.receivedAt : 0;
    if (silentMs > LAST_WORD_MS) connection.abandon();
    else {
      departures.ask(connection.socket, (hasLeft) => {
        // What a client said before it left is still carried to where its tunnel leads.
        if (hasLeft && connection.exchange === exchange && !exchange.isSwitched) connection.abandon();
      });
    }
  }

  closed(connection: RequestConnection): void {
    this.#connections.delete(connection);
    this.#options.cap.leave();
  }

  accept(socket: Socket): void {
    if (!this.#options.cap.enter()) {
      this.#turnAway(socket);
      return;
    }
    const connection = new ServerConnection(socket, this.#context);
    connection.isDraining = this.#isDraining;
    this.#connections.add(connection);
  }

  #inForce({ bounds, timeouts }: HttpListenerLimits) {
    const queues = this.#options.timeouts;
    return {
      bounds,
      headTimeouts: queues.of(timeouts.headMs),
      keepAliveTimeouts: queues.of(timeouts.keepAliveMs),
      bodyTimeouts: queues.of(timeouts.bodyIdleMs),
      stallTimeouts: queues.of(timeouts.writeStallMs),
      lingerTimeouts: queues.of(LINGER_MS),
    };
  }

  /** One connection too many: it is told so, and nothing is kept of it. */
  #turnAway(socket: Socket): void {
    const refusal = rejected('too_many_connections');
    const record = this.#record({ protocol: 'http', head: null, requestBytes: 0, responseBytes: 0 });
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

type Changing<T> = { -readonly [Key in keyof T]: T[Key] };

/** OPTIONS that may go no further is answered by whoever has it (RFC 9110 section 7.6.2). */
const isForUs = (head: RequestHead): boolean =>
  head.method === 'OPTIONS' && head.maxForwardsField >= 0 && /^0+$/.test(head.value(head.maxForwardsField));
