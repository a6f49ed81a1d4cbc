import type { Clock } from './clock.ts';
import { TimeoutQueue } from './timeout-queue.ts';

/** One queue for each duration that occurs, however many routes name it. */
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

  /** Stops their timers and forgets what is armed. */
  close(): void {
    for (const queue of this.#queues.values()) queue.close();
  }
}
