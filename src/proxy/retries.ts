import type { RequestHead } from '../http1/request-head.ts';
import type { Failure, Outcome } from '../policy/outcome.ts';
import type { Answer } from './answer.ts';
import { AttemptLoop } from './attempt-loop.ts';
import type { AttemptRun } from './attempt-run.ts';
import type { ExchangeTimers } from './exchange-timers.ts';
import { isIdempotent } from './outgoing.ts';
import type { ForwardContext, Plan } from './plan.ts';
import type { Replay } from './replay.ts';

/** An answer that is to be retried: kept, unread, until the next attempt is really sent. */
export interface HeldAnswer {
  readonly run: AttemptRun;
  readonly answer: Answer;
  readonly outcome: Outcome;
}

/** What a decision about one request looks at, beside the failure. */
export interface RetrySubject {
  readonly plan: Plan;
  readonly context: ForwardContext;
  readonly head: RequestHead;
  readonly replay: Replay | null;
  readonly timers: ExchangeTimers;
  /** Sends the next attempt. */
  attempt(): void;
}

/** A request that has failed at least once: what it failed with, and whether and when it goes again. */
export class Retries {
  /** The last attempt that was retried: what is told of when no other one takes place. */
  lastFailure: Failure | null = null;

  readonly #subject: RetrySubject;
  #loop: AttemptLoop | null = null;
  #held: HeldAnswer | null = null;

  constructor(subject: RetrySubject) {
    this.#subject = subject;
  }

  /** True between two attempts. */
  get isWaiting(): boolean {
    return this.#loop?.isWaiting === true;
  }

  get isHolding(): boolean {
    return this.#held !== null;
  }

  /** Decides on a failure. True: another attempt will follow by itself. `attempts`: those made so far. */
  schedule(failed: Failure, attempts: number, held: HeldAnswer | null): boolean {
    const { plan, context, head, replay, timers } = this.#subject;
    const now = context.clock.now();
    const decision = plan.retry.decide(
      {
        failure: failed,
        attempt: attempts,
        isIdempotent: isIdempotent(head),
        isReplayable: replay === null || replay.isReplayable,
        remainingMs: timers.remainingMs(now),
        now,
      },
      plan.budget,
      context.random,
    );
    if (decision.kind === 'retry') {
      this.lastFailure = failed;
      this.#held = held;
      held?.run.pause();
      this.#loop ??= new AttemptLoop(context.clock, () => this.#subject.attempt());
      this.#loop.next(decision.waitMs);
      return true;
    }
    const { skip } = decision;
    const obstacle = skip === 'body_too_large' ? (replay?.obstacle ?? skip) : skip;
    if (obstacle !== null) plan.recorder.retrySkipped(obstacle, now);
    return false;
  }

  /** Hands the kept answer out; null: there is none. */
  takeHeld(): HeldAnswer | null {
    const held = this.#held;
    this.#held = null;
    return held;
  }

  /** The kept answer broke off: there is nothing left to pass on. */
  lostHeld(failure: Failure): void {
    this.takeHeld();
    this.lastFailure = failure;
  }

  /** The next attempt takes place: only now is it one for the books, and the kept answer is read away. */
  sent(now: number): void {
    this.#subject.plan.recorder.retryStarted(this.lastFailure!.reason, now);
    this.#dropHeld();
  }

  /** No more attempts. */
  end(): void {
    this.#loop?.end();
    this.#dropHeld();
  }

  #dropHeld(): void {
    this.takeHeld()?.run.discard();
  }
}
