import type { Clock, Timer } from './clock.ts';

/** A look that comes so much later than it was to come says that the loop was blocked, not merely busy. */
const BLOCKED_MS = 20;
/** For this share of a block, and not for longer than {@link MAX_GRACE_MS}, nothing passes after it. */
const GRACE_RATIO = 0.1;
const MAX_GRACE_MS = 100;

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

  /** True when its time has passed although it was not told yet, as after a blocked loop (decision 16). */
  isOverdue(now: number): boolean {
    return this.queue !== null && this.dueAt <= now;
  }

  /** Takes the timeout out of its queue. Harmless when it is in none. */
  disarm(): void {
    this.queue?.remove(this);
  }
}

/**
 * All running timeouts of one duration. Since they are equally long they pass in the order in which they were armed,
 * so arming, disarming and touching are a few pointer writes, and one timer of the clock serves any number of them.
 * That timer is left running when the queue changes and looks again when it goes off: under load nothing is ever
 * created or cancelled.
 *
 * A loop that was blocked runs its timers before it reads its sockets, where the answers may lie that came in time. A
 * look that is late for that reason therefore lets nothing pass, and looks again a little later; the next one then
 * lets pass what is due, late or not (decision 16).
 */
export class TimeoutQueue {
  readonly durationMs: number;
  readonly #clock: Clock;
  #first: Timeout | null = null;
  #last: Timeout | null = null;
  #timer: Timer | null = null;
  /** When the next look is to come. */
  #lookAt = 0;
  /** The last look was late and let nothing pass. */
  #hasGivenGrace = false;

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
    if (this.#timer === null) this.#lookIn(this.durationMs, now);
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

  #lookIn(delayMs: number, now: number): void {
    this.#lookAt = now + delayMs;
    this.#timer = this.#clock.after(delayMs, this.#look);
  }

  readonly #look = (): void => {
    this.#timer = null;
    const now = this.#clock.now();
    const lateMs = now - this.#lookAt;
    this.#hasGivenGrace = this.#first !== null && lateMs > BLOCKED_MS && !this.#hasGivenGrace;
    if (this.#hasGivenGrace) this.#lookIn(Math.min(lateMs * GRACE_RATIO, MAX_GRACE_MS), now);
    else this.#expireUntil(now);
  };

  #expireUntil(now: number): void {
    let timeout: Timeout | null = this.#first;
    while (timeout !== null && timeout.dueAt <= now) {
      this.remove(timeout);
      timeout.owner.expired(timeout);
      timeout = this.#first;
    }
    if (timeout === null) return;
    // Somebody who heard may have armed one anew, and with it a timer that is late for those who are left.
    this.#timer?.cancel();
    // Whoever heard of its timeout may have taken long over it: the wait counts from now, or the next look were late.
    const after = this.#clock.now();
    this.#lookIn(Math.max(0, timeout.dueAt - after), after);
  }
}
