import type { Clock } from '../lib/clock.ts';
import { KeptTimeouts } from '../lib/kept-timeouts.ts';
import type { ClientConnection } from './client-connection.ts';
import type { ConnectionKeeper } from './response-observer.ts';

export interface ClientPoolBounds {
  /** Connections that exist or are being made. */
  readonly connections: number;
  readonly maxIdle: number;
  readonly idleMs: number;
}

/** Somebody for whom there was no place; hears once that there may be one now. */
export interface PoolWaiter {
  placeFree(): void;
}

/**
 * The connections to one endpoint: the idle ones, last used first, and places for those that exist. It opens none.
 */
export class ClientPool implements ConnectionKeeper<ClientConnection> {
  readonly #clock: Clock;
  readonly #bounds: ClientPoolBounds;
  readonly #idle: ClientConnection[] = [];
  readonly #discarding = new Set<ClientConnection>();
  readonly #waiting: PoolWaiter[] = [];
  readonly #idleTimeouts: KeptTimeouts;
  #places = 0;
  #isServing = false;
  #isClosed = false;

  constructor(clock: Clock, bounds: ClientPoolBounds) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#idleTimeouts = new KeptTimeouts(clock, bounds.idleMs);
  }

  /** Connections that exist or are being made. */
  get size(): number {
    return this.#places;
  }

  get idle(): number {
    return this.#idle.length;
  }

  /** The idle connection that was used last, or null. */
  take(): ClientConnection | null {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return null;
      // A blocked loop closes it late: its server may have been faster.
      const isOverdue = connection.idleTimeout.isOverdue(this.#clock.now());
      connection.idleTimeout.disarm();
      if (!isOverdue) return connection;
      connection.destroy();
    }
  }

  /** A place for a new connection; false when all are taken. */
  reserve(): boolean {
    if (this.#places >= this.#bounds.connections) return false;
    this.#places += 1;
    return true;
  }

  /** Gives back a reserved place whose connection never came to be. */
  forgo(): void {
    this.#places -= 1;
    this.#serveWaiting();
  }

  wait(waiter: PoolWaiter): void {
    this.#waiting.push(waiter);
  }

  stopWaiting(waiter: PoolWaiter): void {
    const at = this.#waiting.indexOf(waiter);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  discarding(connection: ClientConnection): void {
    this.#discarding.add(connection);
    this.#idleTimeouts.arm(connection.idleTimeout);
  }

  released(connection: ClientConnection, keepAliveMs: number): void {
    // At each request, and nearly never is there one.
    if (this.#discarding.size > 0) this.#discarding.delete(connection);
    const keptMs = this.#idleTimeouts.keptMs(keepAliveMs);
    const isTooMany = this.#idle.length >= this.#bounds.maxIdle && this.#waiting.length === 0;
    if (this.#isClosed || keptMs <= 0 || isTooMany) {
      connection.destroy();
      return;
    }
    this.#idle.push(connection);
    this.#idleTimeouts.arm(connection.idleTimeout, keptMs);
    this.#serveWaiting();
  }

  gone(connection: ClientConnection): void {
    connection.idleTimeout.disarm();
    this.#discarding.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
    this.forgo();
  }

  /** Closes now what nobody uses, and the others when they are released. */
  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#idle, ...this.#discarding]) connection.destroy();
    this.#idleTimeouts.close();
  }

  /** A waiter that gives its place back at once comes back here: the outer loop goes on with the next, not the stack. */
  #serveWaiting(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.#waiting.length > 0 && (this.#idle.length > 0 || this.#places < this.#bounds.connections)) {
      this.#waiting.shift()!.placeFree();
    }
    this.#isServing = false;
  }
}
