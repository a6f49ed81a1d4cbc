import type { ClientPoolBounds } from '../../src/http1/client-pool.ts';
import { PlainTimeouts } from '../rig/plain-timeouts.ts';

/** Somebody who wants a connection. */
export interface PlainCaller {
  readonly name: number;
  readonly mustBeFresh: boolean;
  /** Its dial fails before the call returns. */
  readonly failsAtOnce: boolean;
  givesUpAt: number;
}

/** The rules once more: every connection is in exactly one of these places. */
export class PlainPool {
  readonly bounds: ClientPoolBounds;
  readonly words: string[] = [];
  now = 0;
  isClosed = false;
  dialling: PlainCaller[] = [];
  inUse: number[] = [];
  discarding: number[] = [];
  /** The one that was used last is at the end. */
  idle: number[] = [];
  waiting: PlainCaller[] = [];
  readonly timeouts = new Map<number, PlainTimeouts<number>>();
  #isServing = false;

  constructor(bounds: ClientPoolBounds) {
    this.bounds = bounds;
  }

  get living(): number[] {
    return [...this.inUse, ...this.discarding, ...this.idle];
  }

  get places(): number {
    return this.dialling.length + this.living.length;
  }

  get timers(): number {
    let timers = this.waiting.length;
    for (const timeouts of this.timeouts.values()) timers += timeouts.timers;
    return timers;
  }

  call(caller: PlainCaller): void {
    const kept = this.idle.pop();
    if (kept !== undefined) {
      this.#disarm(kept);
      if (!caller.mustBeFresh) {
        this.inUse.push(kept);
        this.words.push(`${caller.name} has ${kept}`);
        return;
      }
      this.#serveWaiting();
    }
    if (this.places < this.bounds.connections) {
      this.words.push(`${caller.name} dials`);
      if (caller.failsAtOnce) this.#serveWaiting();
      else this.dialling.push(caller);
    } else {
      this.waiting.push(caller);
    }
  }

  dialEnded(caller: PlainCaller, connection: number | null): void {
    this.dialling = this.dialling.filter((other) => other !== caller);
    if (connection === null) this.#serveWaiting();
    else this.inUse.push(connection);
  }

  discard(connection: number): void {
    this.#leave(connection);
    this.discarding.push(connection);
    this.#arm(connection, this.bounds.idleMs);
  }

  release(connection: number, keepAliveMs: number): void {
    this.#leave(connection);
    const serverMs = keepAliveMs < 0 ? Number.POSITIVE_INFINITY : keepAliveMs - 1000;
    const idleMs = Math.min(this.bounds.idleMs, serverMs);
    const isWanted = this.idle.length < this.bounds.maxIdle || this.waiting.length > 0;
    if (!this.isClosed && idleMs > 0 && isWanted) {
      this.idle.push(connection);
      this.#arm(connection, idleMs);
    }
    this.#serveWaiting();
  }

  lose(connection: number): void {
    this.#leave(connection);
    this.#serveWaiting();
  }

  close(): void {
    this.isClosed = true;
    for (const connection of [...this.idle, ...this.discarding]) this.lose(connection);
    for (const timeouts of this.timeouts.values()) timeouts.close();
  }

  advance(ms: number): void {
    const target = this.now + ms;
    for (;;) {
      const passing = PlainTimeouts.earliest(this.timeouts.values());
      const impatient = this.waiting.toSorted((a, b) => a.givesUpAt - b.givesUpAt || a.name - b.name)[0];
      const patienceEndsAt = impatient?.givesUpAt ?? Number.POSITIVE_INFINITY;
      const nextAt = Math.min(passing?.nextAt ?? Number.POSITIVE_INFINITY, patienceEndsAt);
      if (nextAt > target) break;
      this.now = nextAt;
      if (patienceEndsAt === nextAt) {
        this.waiting = this.waiting.filter((other) => other !== impatient);
        this.words.push(`${impatient!.name} gives up`);
      } else {
        passing!.fire((connection) => this.lose(connection));
      }
    }
    this.now = target;
  }

  #leave(connection: number): void {
    const others = (list: number[]) => list.filter((other) => other !== connection);
    this.inUse = others(this.inUse);
    this.discarding = others(this.discarding);
    this.idle = others(this.idle);
    this.#disarm(connection);
  }

  #serveWaiting(): void {
    if (this.#isServing) return;
    this.#isServing = true;
    while (this.waiting.length > 0 && (this.idle.length > 0 || this.places < this.bounds.connections)) {
      this.call(this.waiting.shift()!);
    }
    this.#isServing = false;
  }

  #arm(connection: number, idleMs: number): void {
    const timeouts = this.timeouts.get(idleMs) ?? new PlainTimeouts(idleMs);
    this.timeouts.set(idleMs, timeouts);
    timeouts.arm(connection, this.now);
  }

  #disarm(connection: number): void {
    for (const timeouts of this.timeouts.values()) timeouts.disarm(connection);
  }
}
