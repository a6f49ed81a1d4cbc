import type { RequestHead } from '../http1/request-head.ts';
import { type Failure, failure, type Outcome, type Rejected, rejected } from '../policy/outcome.ts';
import { MIN_USEFUL_MS } from '../policy/retry.ts';
import type { RetrySkip } from '../telemetry/events.ts';
import type { Answer } from './answer.ts';
import { AttemptLoop } from './attempt-loop.ts';
import type { AttemptRun } from './attempt-run.ts';
import type { ExchangeRecord } from './exchange-record.ts';
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
  readonly record: ExchangeRecord;
  /** Sends the next attempt. */
  attempt(now: number): void;
}

const outgrown: Rejected = Object.freeze(rejected('body_too_large'));
const outOfTime: Failure = Object.freeze(failure('total_timeout', false));

/** A request that has failed at least once: what it failed with, and whether and when it goes again. */
export class Retries {
  /** The last attempt that was retried: what is told of when no other one takes place. */
  lastFailure: Failure | null = null;

  readonly #subject: RetrySubject;
  #loop: AttemptLoop | null = null;
  #held: HeldAnswer | null = null;
  /** True from the decision to try again until the attempt is sent: a token of the budget was taken for it. */
  #isDue = false;

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

  /** Decides on a failure. True: another attempt will follow by itself. `held`: the answer that was the failure. */
  schedule(failed: Failure, held: HeldAnswer | null): boolean {
    const { plan, context, head, replay, timers, record } = this.#subject;
    const now = context.clock.now();
    const decision = plan.retry.decide(
      {
        failure: failed,
        attempt: record.attempts,
        isAlreadyRetried: head.attemptMark > 0,
        isEarlyData: head.isEarlyData,
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
      this.#isDue = true;
      this.#held = held;
      held?.run.pause();
      this.#loop ??= new AttemptLoop(context.clock, () => this.#subject.attempt(context.clock.now()));
      this.#loop.next(decision.waitMs);
      return true;
    }
    const { skip } = decision;
    if (skip !== null) this.#skipped(skip === 'body_too_large' ? (replay?.obstacle ?? skip) : skip, now);
    return false;
  }

  /** What has come up since the next attempt was decided on; null: nothing. */
  obstacle(now: number): Failure | Rejected | null {
    const { replay, timers } = this.#subject;
    // While an answer was held its upload went on, and may be more by now than can be sent again.
    if (replay?.isReplayable === false) return outgrown;
    // After a blocked loop the wait may end before the time limit that passed meanwhile is told (decision 16).
    return timers.remainingMs(now) < MIN_USEFUL_MS ? outOfTime : null;
  }

  /**
   * What stood in the way of the next attempt: the breaker, no endpoint, a time limit, or content that is too long by
   * now. Hands the kept answer out; null: there is none.
   */
  stopped(obstacle: Failure | Rejected): HeldAnswer | null {
    this.#forgo(this.#subject.replay?.obstacle ?? skipFor(obstacle));
    // Also where the answer in hand now streams for longer than the wait would have lasted.
    this.#loop?.end();
    return this.#takeHeld();
  }

  /** The kept answer broke off: there is nothing left to pass on. */
  lostHeld(lost: Failure): void {
    this.#takeHeld();
    this.lastFailure = lost;
  }

  /** The next attempt takes place: only now is it one for the books, and the kept answer is read away. */
  sent(now: number): void {
    this.#isDue = false;
    this.#subject.plan.recorder.retryStarted(this.lastFailure!.reason, now);
    this.#dropHeld();
  }

  /** No more attempts. If one was still to come, it is its client who left, or broke its request off. */
  end(): void {
    this.#forgo('client_gone');
    this.#loop?.end();
    this.#dropHeld();
  }

  /** An attempt that was decided on does not take place: what was taken for it goes back. */
  #forgo(why: RetrySkip): void {
    if (!this.#isDue) return;
    this.#isDue = false;
    const { plan, context } = this.#subject;
    const now = context.clock.now();
    plan.budget.giveBack(now);
    this.#skipped(why, now);
  }

  #skipped(why: RetrySkip, now: number): void {
    this.#subject.record.retrySkipped = why;
    this.#subject.plan.recorder.retrySkipped(why, now);
  }

  #takeHeld(): HeldAnswer | null {
    const held = this.#held;
    this.#held = null;
    return held;
  }

  #dropHeld(): void {
    this.#takeHeld()?.run.discard();
  }
}

const skipFor = (obstacle: Failure | Rejected): RetrySkip => {
  if (obstacle.kind === 'failure') return 'deadline';
  return obstacle.reason === 'circuit_open' ? 'circuit_open' : 'no_endpoint';
};
