import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { http } from '../lib/node-http.ts';

/** How a service answers just now. */
export interface Behaviour {
  /** What an answer takes on average. */
  readonly delayMs: number;
  /** Of the requests that are answered with 503; 0–100. */
  readonly failPercent: number;
  /** Each request needs the service's only worker for so long, and waits for it; 0: it needs none. */
  readonly workerMs: number;
  /** True: every connection is reset. */
  readonly isDead: boolean;
}

/** A service that does nothing wrong. */
export const wellBehaved: Behaviour = { delayMs: 20, failPercent: 0, workerMs: 0, isDead: false };

export interface ShopServiceOptions {
  /** How it answers while nothing is wrong. */
  readonly usual: Behaviour;
  /** Of every answer. */
  readonly body: string;
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

/** One of the shop's services: a small HTTP server on a port that the system chooses, well or not. */
export class ShopService {
  readonly #options: ShopServiceOptions;
  readonly #server: Server;
  #behaviour: Behaviour;
  /** When the worker will have done everything that waits for it. */
  #workerFreeAt = Number.NEGATIVE_INFINITY;

  constructor(options: ShopServiceOptions) {
    this.#options = options;
    this.#behaviour = options.usual;
    this.#server = http.createServer((request, response) => {
      request.resume();
      this.#serve(response);
    });
    this.#server.on('connection', (socket) => {
      // Dead, it keeps its port: nobody else may get its callers meanwhile, and it can always come back.
      if (this.#behaviour.isDead) socket.resetAndDestroy();
    });
  }

  async listen(): Promise<void> {
    this.#server.listen({ host: '127.0.0.1', port: 0 });
    await once(this.#server, 'listening');
  }

  /** `127.0.0.1:PORT`, once it listens. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** From now on it answers as usual but for this. */
  misbehave(change: Partial<Behaviour>): void {
    this.#behaviour = { ...this.#options.usual, ...change };
    this.#workerFreeAt = Number.NEGATIVE_INFINITY;
    if (this.#behaviour.isDead) this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    if (!this.#server.listening) return;
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(response: ServerResponse): void {
    const { clock, random, body } = this.#options;
    const isFailure = random() * 100 < this.#behaviour.failPercent;
    const timer = clock.after(this.#takesMs(), () => {
      response.writeHead(isFailure ? 503 : 200, { 'content-type': 'application/json' });
      response.end(isFailure ? '{"error":"try again later"}' : body);
    });
    response.on('close', () => timer.cancel());
  }

  /** The worker's time is spent also for a caller who has left: that is how services drown. */
  #takesMs(): number {
    const { delayMs, workerMs } = this.#behaviour;
    const now = this.#options.clock.now();
    const workerBeginsAt = Math.max(now, this.#workerFreeAt);
    this.#workerFreeAt = workerBeginsAt + workerMs;
    // At least 0.6 of the average, and a tail: what services' latencies look like.
    const ownMs = delayMs * (0.6 - 0.4 * Math.log(1 - this.#options.random()));
    return workerBeginsAt - now + workerMs + ownMs;
  }
}
