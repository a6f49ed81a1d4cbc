import type { Clock, Timer } from './clock.ts';

/** Somebody who wants to hear that one of its timeouts has passed. */
export interface Expirable {
  /** Called once, when `timeout` passed without being disarmed. */
  expired(timeout: Timeout): void;
}

/** One armed or idle timeout, a link in the list of its {@link TimeoutQueue}. Made once per owner and used again. */
export class Timeout {
  readonly owner: Expirable;
  /** When it passes, on the queue's clock; meaningless while idle. */
  dueAt = 0;
  queue: TimeoutQueue | null = null;
  previous: Timeout | null = null;
  next: Timeout | null = null;

  constructor(owner: Expirable) {
    this.owner = owner;
  }

  /** Takes the timeout out of its queue. Harmless when it is in none. */
  disarm(): void {
    this.queue?.remove(this);
  }
}

/**
 * All running timeouts of one duration. Since they are equally long they pass in the order in which they were armed,
 * so arming, disarming and touching are a few pointer writes, and one timer of the clock serves any number of them.
 * That timer is left running when the queue changes and looks again when it fires: under load nothing is ever created
 * or cancelled.
 */
export class TimeoutQueue {
  readonly durationMs: number;
  readonly #clock: Clock;
  #first: Timeout | null = null;
  #last: Timeout | null = null;
  #timer: Timer | null = null;

  /** `durationMs` may be `Infinity`: then nothing is ever armed. */
  constructor(clock: Clock, durationMs: number) {
    this.#clock = clock;
    this.durationMs = durationMs;
  }

  /** Starts `timeout`, or starts it anew. */
  arm(timeout: Timeout, now: number): void {
    if (timeout.queue !== null) timeout.queue.remove(timeout);
    if (this.durationMs === Number.POSITIVE_INFINITY) return;
    timeout.queue = this;
    timeout.dueAt = now + this.durationMs;
    timeout.previous = this.#last;
    if (this.#last === null) this.#first = timeout;
    else this.#last.next = timeout;
    this.#last = timeout;
    if (this.#timer === null) this.#timer = this.#clock.after(this.durationMs, () => this.#sweep());
  }

  /** Gives an armed timeout its full time again; an idle one stays idle. */
  touch(timeout: Timeout, now: number): void {
    if (timeout.queue === this) this.arm(timeout, now);
  }

  remove(timeout: Timeout): void {
    if (timeout.queue !== this) return;
    if (timeout.previous === null) this.#first = timeout.next;
    else timeout.previous.next = timeout.next;
    if (timeout.next === null) this.#last = timeout.previous;
    else timeout.next.previous = timeout.previous;
    timeout.previous = null;
    timeout.next = null;
    timeout.queue = null;
  }

  /** Stops the clock's timer and forgets what is armed. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    while (this.#first !== null) this.remove(this.#first);
  }

  #sweep(): void {
    this.#timer = null;
    const now = this.#clock.now();
    let timeout = this.#first;
    while (timeout !== null && timeout.dueAt <= now) {
      this.remove(timeout);
      timeout.owner.expired(timeout);
      timeout = this.#first;
    }
    if (timeout !== null && this.#timer === null) {
      this.#timer = this.#clock.after(timeout.dueAt - now, () => this.#sweep());
    }
  }
}
