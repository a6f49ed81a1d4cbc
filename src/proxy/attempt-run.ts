import type { ResponseHead } from '../http1/response-head.ts';
import type { OpenConnection } from '../http1/response-observer.ts';
import { type Expirable, Timeout } from '../lib/timeout-queue.ts';
import { parseRetryAfter } from '../policy/classify.ts';
import type { Permit } from '../policy/gate.ts';
import { type Failure, failure, type Outcome, success } from '../policy/outcome.ts';
import type { Endpoint } from '../upstream/endpoint.ts';
import type { Attempt, OutgoingRequest, ResponseSink } from '../upstream/transport.ts';
import type { ForwardContext, Plan } from './plan.ts';

/** Hears what becomes of an attempt. */
export interface AttemptObserver {
  connected(connectMs: number): void;
  informational(head: ResponseHead): void;
  /** The final head, judged just now. It is valid until the call returns. `retryAfterMs` -1: it does not say. */
  answered(head: ResponseHead, outcome: Outcome, retryAfterMs: number, now: number): void;
  /** Instead of `answered`: bytes flow from now on; `head` is the 101 that says so, null where none was asked for. */
  switched(head: ResponseHead | null, connection: OpenConnection): void;
  /** It ended without a head. */
  unanswered(outcome: Outcome): void;
  data(chunk: Buffer): boolean;
  flush(): void;
  /** The end of an answered attempt: success, or what broke it off. */
  ended(outcome: Outcome, trailers: string): void;
}

/**
 * One attempt from its permit to its end: it holds the attempt's time limit, judges what comes back, and sees to it
 * that permit and endpoint are settled exactly once, at the head or at the failure.
 */
export class AttemptRun implements ResponseSink, Expirable {
  readonly endpoint: Endpoint;

  readonly #plan: Plan;
  readonly #context: ForwardContext;
  readonly #permit: Permit;
  readonly #observer: AttemptObserver;
  /** When the upstream had all that it needs to answer; before that, when sending began. */
  #startedAt: number;
  readonly #timeout = new Timeout(this);
  #attempt: Attempt | null = null;
  /** What was voted; null: nothing yet. */
  #verdict: Outcome | null = null;
  #isPaused = false;
  #isWhole = true;
  /** When the connection was open that was all that was wanted; -1: it was not. */
  #openedAt = -1;

  constructor(
    plan: Plan,
    context: ForwardContext,
    permit: Permit,
    endpoint: Endpoint,
    observer: AttemptObserver,
    now: number,
  ) {
    this.#plan = plan;
    this.#context = context;
    this.#permit = permit;
    this.endpoint = endpoint;
    this.#observer = observer;
    this.#startedAt = now;
  }

  /**
   * `isWhole`: all of the request's content is here. Once there is a connection, the attempt's time does not run until
   * that is so: the upstream cannot answer what the client has not sent.
   */
  start(request: OutgoingRequest, isWhole: boolean): void {
    const { upstream, recorder, timeouts, transport } = this.#plan;
    upstream.attemptStarted(this.endpoint);
    recorder.attemptStarted(this.#startedAt);
    this.#isWhole = isWhole;
    timeouts.attempt.arm(this.#timeout, this.#startedAt);
    this.#attempt = transport.prepare(this.endpoint, request, this);
    this.#attempt.start();
  }

  /** The rest of the request's content has come. */
  requestEnded(now: number): void {
    if (this.#verdict !== null) return;
    this.#isWhole = true;
    this.#startedAt = now;
    this.#plan.timeouts.attempt.arm(this.#timeout, now);
  }

  pause(): void {
    this.#isPaused = true;
    this.#attempt?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#attempt?.resume();
  }

  /** Breaks it off. Its observer hears the end before this returns. */
  abort(outcome: Outcome): void {
    this.#attempt?.abort(outcome);
  }

  /** The answer is not wanted; the observer hears nothing more. */
  discard(): void {
    this.#attempt?.discard();
  }

  expired(): void {
    if (this.#openedAt < 0) this.abort(failure('attempt_timeout', false));
    else this.proved();
  }

  /** False while a connection is open and may still turn out to be none. */
  get isProved(): boolean {
    return this.#verdict !== null;
  }

  /** The connection is one: the upstream has said something, or has kept it long enough. */
  proved(): void {
    if (this.#verdict === null) this.#judge(success(0), this.#now());
  }

  /** What it was switched to is over; the observer need not be told. */
  tunnelEnded(outcome: Outcome): void {
    // A client that closes first, or a limit of time, says nothing against a connection that was there.
    if (this.#verdict !== null) this.#plan.upstream.tunnelClosed(this.endpoint);
    else if (outcome.kind === 'failure' && outcome.reason === 'reset') this.#judge(outcome, this.#now());
    else {
      this.proved();
      this.#plan.upstream.tunnelClosed(this.endpoint);
    }
  }

  connected(connectMs: number): void {
    if (!this.#isWhole) this.#timeout.disarm();
    this.#observer.connected(connectMs);
  }

  informational(head: ResponseHead): void {
    this.#observer.informational(head);
  }

  head(head: ResponseHead): void {
    const retryAfterMs = this.#retryAfterMs(head);
    const outcome = this.#plan.classifier.classify(head.status, retryAfterMs);
    const now = this.#now();
    this.#judge(outcome, now);
    this.#observer.answered(head, outcome, retryAfterMs, now);
  }

  switched(head: ResponseHead | null, connection: OpenConnection): void {
    const now = this.#now();
    this.#openedAt = now;
    // A load balancer accepts and resets where nobody is behind it: the verdict waits until it is known to be none.
    if (head === null) this.#plan.timeouts.earlyReset.arm(this.#timeout, now);
    else this.#judge(success(head.status), now);
    this.#observer.switched(head, connection);
  }

  data(chunk: Buffer): boolean {
    return this.#observer.data(chunk);
  }

  flush(): void {
    this.#observer.flush();
  }

  end(outcome: Outcome, trailers: string): void {
    if (this.#verdict === null) {
      this.#judge(outcome, this.#now());
      this.#observer.unanswered(outcome);
      return;
    }
    if (outcome.kind === 'failure' && this.#verdict.kind === 'success') this.#bodyFailed(outcome);
    this.#observer.ended(outcome, trailers);
  }

  /** The vote: breaker, endpoint and books, once. */
  #judge(outcome: Outcome, now: number): void {
    const elapsedMs = (this.#openedAt < 0 ? now : this.#openedAt) - this.#startedAt;
    this.#verdict = outcome;
    this.#timeout.disarm();
    // Slow can only be who has all that there is to answer: until then it is the client that takes its time.
    this.#permit.settle(outcome, this.#isWhole ? elapsedMs : 0, now);
    this.#plan.upstream.attemptSettled(this.endpoint, outcome, now);
    this.#plan.recorder.attemptSettled(outcome, elapsedMs, now);
    if (this.#openedAt >= 0 && outcome.kind === 'success') this.#plan.upstream.tunnelOpened(this.endpoint);
  }

  /**
   * A body that broke off after a good head takes its vote back. One that we cut because nothing moved says as much,
   * unless it was the client who did not take it; one that we cut because it took too long says nothing.
   */
  #bodyFailed(outcome: Failure): void {
    if (outcome.reason === 'body_timeout' || (outcome.reason === 'idle_timeout' && this.#isPaused)) return;
    const now = this.#now();
    this.#permit.addBodyFailure(now);
    this.#plan.upstream.bodyFailed(this.endpoint, outcome, now);
    this.#plan.recorder.bodyFailed(now);
  }

  #retryAfterMs(head: ResponseHead): number {
    if (head.retryAfterField < 0) return -1;
    return parseRetryAfter(head.value(head.retryAfterField), this.#context.clock.wallTime());
  }

  #now(): number {
    return this.#context.clock.now();
  }
}
