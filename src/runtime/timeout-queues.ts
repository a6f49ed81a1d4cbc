import type { Clock } from '../lib/clock.ts';
import { TimeoutQueue } from '../lib/timeout-queue.ts';

/** One queue for each duration that the configuration names, however many routes name it. */
export class TimeoutQueues {
  readonly #clock: Clock;
  readonly #queues = new Map<number, TimeoutQueue>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The queue of a duration in ms; Infinity: one that never runs. */
  of(durationMs: number): TimeoutQueue {
    let queue = this.#queues.get(durationMs);
    if (queue === undefined) {
      queue = new TimeoutQueue(this.#clock, durationMs);
      this.#queues.set(durationMs, queue);
    }
    return queue;
  }

  close(): void {
    for (const queue of this.#queues.values()) queue.close();
  }
}
