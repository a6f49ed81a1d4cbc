import { createServer, type Server, type Socket } from 'node:net';
import type { RequestHead } from '../http1/request-head.ts';
import type { Cap } from '../lib/cap.ts';
import { rejected } from '../policy/outcome.ts';
import { connectHead } from '../proxy/connect-head.ts';
import { ExchangeRecord } from '../proxy/exchange-record.ts';
import { forward } from '../proxy/forward.ts';
import type { ForwardContext, Plan } from '../proxy/plan.ts';
import type { Destination } from '../proxy/route.ts';
import { type DataListener, listenOn } from './listening.ts';
import { TcpExchange } from './tcp-exchange.ts';

export interface TcpListenerOptions {
  readonly context: ForwardContext;
  readonly cap: Cap;
  readonly plan: Plan;
  readonly destination: Destination;
}

/** The port of one TCP upstream: every connection to it is one to the upstream. */
export class TcpListener implements DataListener {
  readonly #options: TcpListenerOptions;
  readonly #server: Server;
  readonly #open = new Set<TcpExchange>();
  /** What each connection asks for. */
  #head: RequestHead | null = null;

  constructor(options: TcpListenerOptions) {
    this.#options = options;
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
  }

  /** Resolves when it listens, rejects with the system's error. */
  async listen(host: string, port: number): Promise<{ host: string; port: number }> {
    const address = await listenOn(this.#server, host, port);
    this.#head = connectHead(address);
    return address;
  }

  get busy(): number {
    return this.#open.size;
  }

  /** Nothing can be said on a connection of somebody else's protocol: it goes on until it ends, or the process does. */
  drain(): void {}

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const exchange of this.#open) exchange.abandon();
    await closed;
  }

  #accept(socket: Socket): void {
    const { context, cap, plan, destination } = this.#options;
    const exchange = new TcpExchange(socket, this.#head!);
    if (!cap.enter()) {
      this.#turnAway(exchange);
      return;
    }
    this.#open.add(exchange);
    socket.once('close', () => {
      this.#open.delete(exchange);
      cap.leave();
    });
    forward(exchange, plan, destination, context);
  }

  /** One connection too many. */
  #turnAway(exchange: TcpExchange): void {
    const { context, plan } = this.#options;
    const refusal = rejected('too_many_connections');
    const now = context.clock.now();
    const record = new ExchangeRecord(exchange, now, context.nextRequestId, plan);
    plan.recorder.requestRejected(refusal.reason, now);
    record.ended(refusal, now);
    plan.recorder.exchangeEnded(record, now);
    context.bus.exchangeEnded(record);
    exchange.finish();
  }
}
