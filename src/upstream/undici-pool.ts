import type { Clock } from '../lib/clock.ts';
import { KeptTimeouts } from '../lib/kept-timeouts.ts';
import type { PoolSettings } from './sources.ts';
import type { UndiciConnection, UndiciKeeper } from './undici-connection.ts';

/** Somebody for whom there was no room; hears once that there may be some now. */
export interface RoomWaiter {
  roomFree(): void;
}

/**
 * undici's connections to one endpoint, last used first, and places for those that exist. An HTTP/2 connection is
 * handed out as long as it has room; it counts once. The pool opens none.
 */
export class UndiciPool implements UndiciKeeper {
  readonly #clock: Clock;
  readonly #settings: PoolSettings;
  readonly #connections: UndiciConnection[] = [];
  readonly #waiting: RoomWaiter[] = [];
  readonly #idleTimeouts: KeptTimeouts;
  #dialling = 0;
  /** The last connection can be shared: one that is being made is worth waiting for. */
  #isShared = false;
  #isServing = false;
  #isClosed = false;

  constructor(clock: Clock, settings: PoolSettings) {
    this.#clock = clock;
    this.#settings = settings;
    this.#idleTimeouts = new KeptTimeouts(clock, settings.idleMs);
  }

  /** Connections that exist or are being made. */
  get size(): number {
    return this.#connections.length + this.#dialling;
  }

  get idle(): number {
    return this.#connections.reduce((sum, { inUse }) => sum + (inUse === 0 ? 1 : 0), 0);
  }

  /** The connection with room that was used last, or null. */
  take(): UndiciConnection | null {
    for (let i = this.#connections.length - 1; i >= 0; i -= 1) {
      const connection = this.#connections[i]!;
      if (!connection.hasRoom) continue;
      // A blocked loop closes it late: its server may have been faster.
      const isOverdue = connection.idleTimeout.isOverdue(this.#clock.now());
      connection.idleTimeout.disarm();
      if (!isOverdue) return connection;
      connection.destroy();
    }
    return null;
  }

  /** A place for a new connection; false when all are taken, or when one is being made that can be shared. */
  reserve(): boolean {
    if (this.size >= this.#settings.connectionsPerEndpoint || (this.#isShared && this.#dialling > 0))
      return false;
    this.#dialling += 1;
    return true;
  }

  /** Gives back a reserved place whose connection never came to be. */
  forgo(): void {
    this.#dialling -= 1;
    this.#serveWaiting();
  }

  /** The connection for which a place was reserved. Whoever made it begins its exchange before this is called. */
  added(connection: UndiciConnection): void {
    this.#dialling -= 1;
    this.#isShared = connection.isShared;
    if (!connection.isGone) this.#connections.push(connection);
    if (this.#isShared || connection.isGone) this.#serveWaiting();
  }

  wait(waiter: RoomWaiter): void {
    this.#waiting.push(waiter);
  }

  stopWaiting(waiter: RoomWaiter): void {
    const at = this.#waiting.indexOf(waiter);
    if (at >= 0) this.#waiting.splice(at, 1);
  }

  discarding(connection: UndiciConnection): void {
    this.#idleTimeouts.arm(connection.idleTimeout);
  }

  released(connection: UndiciConnection, keepAliveMs: number): void {
    connection.idleTimeout.disarm();
    if (connection.inUse === 0) {
      const keptMs = this.#idleTimeouts.keptMs(keepAliveMs);
      const isTooMany = this.idle > this.#settings.maxIdle && this.#waiting.length === 0;
      if (this.#isClosed || keptMs <= 0 || isTooMany) {
        connection.destroy();
        return;
      }
      this.#idleTimeouts.arm(connection.idleTimeout, keptMs);
    }
    this.#putLast(connection);
    this.#serveWaiting();
  }

  gone(connection: UndiciConnection): void {
    connection.idleTimeout.disarm();
    const at = this.#connections.indexOf(connection);
    // It is not here yet where it died before it was added.
    if (at < 0) return;
    this.#connections.splice(at, 1);
    this.#serveWaiting();
  }

  /** Closes now what nobody uses, and the others when they are released. */
  close(): void {
    this.#isClosed = true;
    for (const connection of [...this.#connections]) {
      if (connection.inUse === 0 || connection.idleTimeout.queue !== null) connection.destroy();
    }
    this.#idleTimeouts.close();
  }

  #putLast(connection: UndiciConnection): void {
    const at = this.#connections.indexOf(connection);
    if (at < 0 || at === this.#connections.length - 1) return;
    this.#connections.splice(at, 1);
    this.#connections.push(connection);
  }

  /** A waiter that gives its place back at once comes back here: the outer loop goes on with the next, not the stack. */
  #serveWaiting(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.#waiting.length > 0 && this.#hasRoom()) this.#waiting.shift()!.roomFree();
    this.#isServing = false;
  }

  #hasRoom(): boolean {
    if (this.#connections.some(({ hasRoom }) => hasRoom)) return true;
    const isFull = this.size >= this.#settings.connectionsPerEndpoint;
    return !isFull && !(this.#isShared && this.#dialling > 0);
  }
}
