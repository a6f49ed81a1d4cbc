import type { Clock } from '../lib/clock.ts';
import { type Expirable, Timeout, TimeoutQueue } from '../lib/timeout-queue.ts';
import type { Gate } from './gate.ts';
import { type Rejected, rejected } from './outcome.ts';
import type { BulkheadSettings } from './policies.ts';

/** A request that may have to wait for its slot. Exactly one of the two is called, once, unless it is cancelled. */
export interface BulkheadWaiter {
  /** The breaker that it will ask when its turn comes: while that is open, there is nothing to wait for. */
  readonly gate: Gate;
  /** Its turn has come. It may release, or enter again, before it returns. */
  admitted(slot: Slot, now: number): void;
  /** It waited too long, or those who wait were sent away. */
  refused(rejected: Rejected): void;
}

/** A place among the requests in flight. */
export interface Slot {
  readonly kind: 'slot';
  /** Gives the place to the next who waits. At the end of the exchange, exactly once: a second call is a defect and throws. */
  release(now: number): void;
}

/** A place in the queue. */
export interface Queued {
  readonly kind: 'queued';
  /** The request is no longer wanted: its waiter hears nothing more. Harmless once it was admitted or refused. */
  cancel(): void;
}

const full: Rejected = Object.freeze(rejected('bulkhead_full'));
const waitedTooLong: Rejected = Object.freeze(rejected('queue_timeout'));

class HeldSlot implements Slot {
  readonly kind = 'slot';
  readonly #bulkhead: Bulkhead;
  #isReleased = false;

  constructor(bulkhead: Bulkhead) {
    this.#bulkhead = bulkhead;
  }

  release(now: number): void {
    if (this.#isReleased) throw new Error(`A slot of bulkhead ${this.#bulkhead.name} was released twice`);
    this.#isReleased = true;
    this.#bulkhead.leave(now);
  }
}

/** A link in the queue. `waiter` becomes null as soon as it has heard its last word. */
class Place implements Queued, Expirable {
  readonly kind = 'queued';
  readonly timeout: Timeout = new Timeout(this);
  readonly #bulkhead: Bulkhead;
  waiter: BulkheadWaiter | null;
  isLinked = false;
  previous: Place | null = null;
  next: Place | null = null;

  constructor(bulkhead: Bulkhead, waiter: BulkheadWaiter) {
    this.#bulkhead = bulkhead;
    this.waiter = waiter;
  }

  cancel(): void {
    this.waiter = null;
    this.#bulkhead.unlink(this);
  }

  expired(): void {
    this.#bulkhead.expire(this);
  }
}

/**
 * At most `concurrency` requests in flight and `queue` more waiting, first come first served: Hystrix's semaphore, and
 * with a queue its thread pool, but exact. Envoy calls this a circuit breaker.
 *
 * It stands outside the retry, one slot for a whole request, so that a request cannot lose its place between two
 * attempts, and one that waits holds no probe of a half-open breaker.
 */
export class Bulkhead {
  readonly name: string;
  readonly #clock: Clock;
  #concurrency: number;
  #queueLimit: number;
  #timeouts: TimeoutQueue;
  #first: Place | null = null;
  #last: Place | null = null;
  #queued = 0;
  #inFlight = 0;
  #isAdmitting = false;
  #admittedTotal = 0;
  #completedTotal = 0;
  #rejectedTotal = 0;
  #maxInFlightEver = 0;

  constructor(name: string, settings: BulkheadSettings, clock: Clock) {
    this.name = name;
    this.#clock = clock;
    this.#concurrency = settings.concurrency;
    this.#queueLimit = settings.queue;
    this.#timeouts = new TimeoutQueue(clock, settings.queueTimeoutMs);
  }

  get concurrency(): number {
    return this.#concurrency;
  }

  get queueLimit(): number {
    return this.#queueLimit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Requests that were given a slot, at once or after waiting. */
  get admittedTotal(): number {
    return this.#admittedTotal;
  }

  /** Slots that were released. */
  get completedTotal(): number {
    return this.#completedTotal;
  }

  /** Requests that found everything full or waited too long; not those that {@link refuseWaiting} sent away. */
  get rejectedTotal(): number {
    return this.#rejectedTotal;
  }

  get maxInFlightEver(): number {
    return this.#maxInFlightEver;
  }

  /** A slot at once, or a place in the queue of which `waiter` will hear, or a refusal. */
  enter(now: number, waiter: BulkheadWaiter): Slot | Queued | Rejected {
    const free = Math.max(0, this.#concurrency - this.#inFlight);
    // A free slot beside a queue is only seen by a waiter that enters again while it is admitted: it must not overtake.
    if (free > 0 && this.#queued === 0) return this.#admit();
    if (this.#queued >= this.#queueLimit + free) {
      this.#rejectedTotal += 1;
      return full;
    }
    const place = new Place(this, waiter);
    this.#link(place);
    this.#timeouts.arm(place.timeout, now);
    return place;
  }

  /** Sends away, with `rejected`, those who wait to pass this gate: called when the breaker of their route trips. */
  refuseWaiting(gate: Gate, rejected: Rejected): void {
    const places: Place[] = [];
    for (let place = this.#first; place !== null; place = place.next) {
      if (place.waiter?.gate === gate) places.push(place);
    }
    // All leave the queue before the first one hears of it: whoever enters again comes in at its end and stays.
    for (const place of places) this.unlink(place);
    for (const place of places) this.#refuse(place, rejected);
  }

  /**
   * Takes new limits over in place. A raised concurrency admits those who wait; a lowered one lets the requests in
   * flight end. Nobody who waits is sent away, and each keeps the time that it was given.
   */
  update(settings: BulkheadSettings): void {
    this.#concurrency = settings.concurrency;
    this.#queueLimit = settings.queue;
    if (settings.queueTimeoutMs !== this.#timeouts.durationMs) {
      // The old one runs out by itself: its timer stops with the last place that it watches.
      this.#timeouts = new TimeoutQueue(this.#clock, settings.queueTimeoutMs);
    }
    this.#admitWaiting(this.#clock.now());
  }

  /** Stops the clock of the queue: for the end of the process, when nobody waits any more. */
  close(): void {
    this.#timeouts.close();
  }

  /** For the bulkhead's own slots. */
  leave(now: number): void {
    this.#inFlight -= 1;
    this.#completedTotal += 1;
    if (this.#first !== null) this.#admitWaiting(now);
  }

  /** For the bulkhead's own places. */
  expire(place: Place): void {
    this.unlink(place);
    this.#rejectedTotal += 1;
    this.#refuse(place, waitedTooLong);
  }

  /** For the bulkhead's own places. */
  unlink(place: Place): void {
    if (!place.isLinked) return;
    place.isLinked = false;
    place.timeout.disarm();
    if (place.previous === null) this.#first = place.next;
    else place.previous.next = place.next;
    if (place.next === null) this.#last = place.previous;
    else place.next.previous = place.previous;
    place.previous = null;
    place.next = null;
    this.#queued -= 1;
  }

  #link(place: Place): void {
    place.isLinked = true;
    place.previous = this.#last;
    if (this.#last === null) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
    this.#queued += 1;
  }

  #admit(): Slot {
    this.#inFlight += 1;
    this.#admittedTotal += 1;
    if (this.#inFlight > this.#maxInFlightEver) this.#maxInFlightEver = this.#inFlight;
    return new HeldSlot(this);
  }

  /** A waiter that releases while it is admitted comes back here: the outer loop goes on with the next, not the stack. */
  #admitWaiting(now: number): void {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    while (this.#first !== null && this.#inFlight < this.#concurrency) {
      const place = this.#first;
      const waiter = place.waiter;
      this.unlink(place);
      place.waiter = null;
      waiter?.admitted(this.#admit(), now);
    }
    this.#isAdmitting = false;
  }

  #refuse(place: Place, rejected: Rejected): void {
    const waiter = place.waiter;
    place.waiter = null;
    waiter?.refused(rejected);
  }
}
