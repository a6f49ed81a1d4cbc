import pRetry, { type RetryContext } from 'p-retry';
import type { Clock, Timer } from '../lib/clock.ts';

/** Tells the library to go round once more; it never leaves this file. */
class NextAttempt extends Error {}

/** More than any configuration allows: who counts is the retry policy. */
const MOST_RETRIES = 1000;

/**
 * The attempts of a request after its first. It comes to be when a first retry has been decided, so that a request that
 * needs none meets no promise. The library goes round; we wait on our own clock, and whether there is another round is
 * said by {@link next} or {@link end}.
 */
export class AttemptLoop {
  readonly #clock: Clock;
  readonly #attempt: () => void;
  #timer: Timer | null = null;
  #wake: ((goOn: boolean) => void) | null = null;
  #decide: ((waitMs: number) => void) | null = null;
  #isRunning = false;
  #isWaiting = false;
  #isOver = false;

  /** `attempt` sends one; its end is told by `next` or `end`, possibly before it returns. */
  constructor(clock: Clock, attempt: () => void) {
    this.#clock = clock;
    this.#attempt = attempt;
  }

  /** True between two attempts: from `next` until the attempt begins. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Another attempt, in `waitMs`. */
  next(waitMs: number): void {
    this.#isWaiting = true;
    if (this.#isRunning) this.#settle(waitMs);
    else {
      this.#isRunning = true;
      // A rejection could only be a defect, and is then treated as one by the process.
      void this.#run(waitMs);
    }
  }

  /** No more attempts. */
  end(): void {
    this.#isOver = true;
    this.#isWaiting = false;
    this.#timer?.cancel();
    this.#awake(false);
    this.#settle(-1);
  }

  #run(firstWaitMs: number): Promise<void> {
    let waitMs = firstWaitMs;
    const round = async (): Promise<void> => {
      if (!(await this.#wait(waitMs))) return;
      waitMs = await this.#tryOnce();
      if (waitMs >= 0) throw new NextAttempt();
    };
    // What else an attempt may throw is a defect, and no reason to go round again.
    const shouldRetry = ({ error }: RetryContext): boolean => error instanceof NextAttempt;
    return pRetry(round, { retries: MOST_RETRIES, minTimeout: 0, shouldRetry });
  }

  /** False when the request has ended meanwhile. */
  #wait(ms: number): Promise<boolean> {
    if (this.#isOver) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = this.#clock.after(ms, () => this.#awake(true));
    });
  }

  /** The time to wait before another one; -1 when the request has had its answer. */
  #tryOnce(): Promise<number> {
    if (this.#isOver) return Promise.resolve(-1);
    this.#isWaiting = false;
    return new Promise((resolve) => {
      this.#decide = resolve;
      this.#attempt();
    });
  }

  #awake(goOn: boolean): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.(goOn);
  }

  #settle(waitMs: number): void {
    const decide = this.#decide;
    this.#decide = null;
    decide?.(waitMs);
  }
}
