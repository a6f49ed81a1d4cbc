import type { Clock } from '../../src/lib/clock.ts';

/**
 * The service of the queue simulator, on a test's own clock: one worker, first come first served, and it works for those who
 * have left as for everybody else.
 */
export class SimulatedQueue {
  /** How long the worker takes for what it begins from now on. */
  serviceMs: number;
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  #isWorking = false;

  constructor(clock: Clock, serviceMs: number) {
    this.#clock = clock;
    this.serviceMs = serviceMs;
  }

  /** Calls `answer` when the worker has done this and everything before it. */
  take(answer: () => void): void {
    this.#waiting.push(answer);
    if (!this.#isWorking) this.#work();
  }

  #work(): void {
    const answer = this.#waiting.shift();
    this.#isWorking = answer !== undefined;
    if (answer === undefined) return;
    this.#clock.after(this.serviceMs, () => {
      answer();
      this.#work();
    });
  }
}
