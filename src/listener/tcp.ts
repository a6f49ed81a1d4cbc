import type { Socket } from 'node:net';
import type { RequestHead } from '../http1/request-head.ts';
import type { Cap } from '../lib/cap.ts';
import { Roster } from '../lib/roster.ts';
import { rejected } from '../policy/outcome.ts';
import { connectHead } from '../proxy/connect-head.ts';
import { ExchangeRecord } from '../proxy/exchange-record.ts';
import { forward } from '../proxy/forward.ts';
import type { ForwardContext, Plan } from '../proxy/plan.ts';
import type { Destination } from '../proxy/route.ts';
import type { DataListener } from './listening.ts';
import { TcpExchange } from './tcp-exchange.ts';

export interface TcpListenerOptions {
  readonly context: ForwardContext;
  readonly cap: Cap;
  /** The port that clients come to, as what they ask for is called in the log. */
  readonly address: { readonly host: string; readonly port: number };
  /** Where a connection goes that comes now. */
  route(): { readonly plan: Plan; readonly destination: Destination };
}

/** The port of one TCP upstream: every connection to it is one to the upstream. */
export class TcpListener implements DataListener {
  readonly #options: TcpListenerOptions;
  readonly #open = new Roster<TcpExchange>();
  #begun = 0;
  /** What each connection asks for. */
  readonly #head: RequestHead;

  constructor(options: TcpListenerOptions) {
    this.#options = options;
    this.#head = connectHead(options.address);
  }

  get busy(): number {
    return this.#open.size;
  }

  get begun(): number {
    return this.#begun;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Nothing can be said on a connection of somebody else's protocol: it goes on until it ends, or the process does. */
  drain(): void {}

  abandon(): void {
    for (const exchange of this.#open) exchange.abandon();
  }

  accept(socket: Socket): void {
    const { context, cap } = this.#options;
    this.#begun += 1;
    socket.setNoDelay(true);
    const exchange = new TcpExchange(socket, this.#head, context.clock.now());
    if (!cap.enter()) {
      this.#turnAway(exchange);
      return;
    }
    this.#open.add(exchange);
    socket.once('close', () => {
      this.#open.delete(exchange);
      cap.leave();
    });
    const { plan, destination } = this.#options.route();
    forward(exchange, plan, destination, context);
  }

  /** One connection too many. */
  #turnAway(exchange: TcpExchange): void {
    const { context } = this.#options;
    const { plan } = this.#options.route();
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
