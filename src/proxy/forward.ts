import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { OpenConnection } from '../http1/response-observer.ts';
import type { ExchangeObserver } from '../http1/server-exchange.ts';
import { type Violation, violations } from '../http1/violation.ts';
import type { BulkheadWaiter, Queued, Slot } from '../policy/bulkhead.ts';
import type { Gate } from '../policy/gate.ts';
import {
  clientGone,
  type Failure,
  failure,
  failureStatus,
  noEndpoint,
  type Outcome,
  type Rejected,
} from '../policy/outcome.ts';
import { type Answer, answerFor } from './answer.ts';
import { type AttemptObserver, AttemptRun } from './attempt-run.ts';
import type { Exchange } from './exchange.ts';
import { ExchangeRecord } from './exchange-record.ts';
import { type ExchangeLimit, ExchangeTimers, type ExchangeTimersObserver } from './exchange-timers.ts';
import { informationalText } from './headers.ts';
import { continueText, outgoingRequest, replayLimitBytes } from './outgoing.ts';
import type { ForwardContext, Plan } from './plan.ts';
import { refusalOf } from './refusal.ts';
import { Replay } from './replay.ts';
import { answerInstead, standsIn } from './reply.ts';
import { type HeldAnswer, Retries } from './retries.ts';
import type { Destination } from './route.ts';
import { noPlaceFor, openTunnel, type Tunnel, tooManyTunnels } from './tunnel.ts';

/** Sends a request through the policies of its plan. The exchange is answered or cut, whatever happens. */
export const forward = (
  exchange: Exchange,
  plan: Plan,
  destination: Destination,
  context: ForwardContext,
): void => {
  new Forwarding(exchange, plan, destination, context).begin();
};

/**
 * One request on its way: the only place that knows the order of the policies.
 *
 *   1 breaker.peek    2 bulkhead.enter    3 budget.deposit
 *   4 each attempt: breaker.acquire → endpoint → send → judge → once more?
 *   5 fallback        6 the slot goes back    7 one event
 *
 * `begin`, `admitted` and `attempt` are steps 1 to 4, `answered` and `unanswered` are the verdicts on an attempt,
 * `#answerOurselves` is step 5, and every way out leads through `#over`, once.
 */
class Forwarding implements ExchangeObserver, BulkheadWaiter, AttemptObserver, ExchangeTimersObserver {
  // What retries and tunnels look at, too.
  readonly plan: Plan;
  readonly head: RequestHead;
  readonly gate: Gate;
  readonly context: ForwardContext;
  readonly record: ExchangeRecord;
  readonly replay: Replay | null;
  readonly timers: ExchangeTimers;
  readonly #exchange: Exchange;
  readonly #destination: Destination;
  #queued: Queued | null = null;
  #slot: Slot | null = null;
  /** The attempt under way, or the last one. */
  #run: AttemptRun | null = null;
  /** null until an attempt has failed. */
  #retries: Retries | null = null;
  /** null until client and upstream have been joined. */
  #tunnel: Tunnel | null = null;
  #isOver = false;

  constructor(exchange: Exchange, plan: Plan, destination: Destination, context: ForwardContext) {
    this.plan = plan;
    this.head = exchange.head;
    this.gate = plan.breaker;
    this.#exchange = exchange;
    this.#destination = destination;
    this.context = context;
    this.record = new ExchangeRecord(exchange, exchange.receivedAt, context.nextRequestId, plan);
    this.timers = new ExchangeTimers(plan.timeouts, context.clock, this);
    this.replay = exchange.hasBody
      ? new Replay(exchange, context.replayPool, replayLimitBytes(this.head, plan), this.timers)
      : null;
  }

  begin(): void {
    const now = this.record.startedAt;
    this.#exchange.observer = this;
    this.timers.started(now);
    if (this.replay === null) this.timers.requestEnded(now);

    // Before the bulkhead: what would be refused anyway must not first wait for a place.
    const refusal = this.plan.breaker.peek(now) ?? noPlaceFor(this.#exchange, this.context);
    // Outside the retry: one slot for the whole request, and nobody who waits holds a probe's place.
    const entry = refusal ?? this.plan.bulkhead.enter(now, this);
    if (entry.kind === 'slot') this.admitted(entry, now);
    else if (entry.kind === 'queued') this.#queued = entry;
    else this.refused(entry);
  }

  refused(refusal: Rejected): void {
    if (refusal.reason !== 'circuit_open') this.plan.breaker.addRejection(this.#now());
    this.#answerOurselves(refusal);
  }

  admitted(slot: Slot, now: number): void {
    this.#queued = null;
    this.#slot = slot;
    this.record.queueMs = now - this.record.startedAt;
    if (this.replay !== null) this.timers.contentStarts(now);
    this.plan.budget.deposit(now);
    this.attempt(now);
  }

  /** Inside the retry: each attempt asks the breaker and votes in it, as one execution of Hystrix's command. */
  attempt(now: number): void {
    const plan = this.plan;
    const permit = this.#retries?.obstacle(now) ?? plan.breaker.acquire(now);
    if (permit.kind !== 'permit') {
      this.#reportLast(permit);
      return;
    }
    const endpoint = plan.upstream.pick(now, this.#run?.endpoint ?? null, this.#destination.authority);
    if (endpoint === null) {
      permit.settle(noEndpoint, 0, now);
      this.#reportLast(noEndpoint);
      return;
    }
    this.#retries?.sent(now);
    this.record.attempts += 1;
    this.record.endpoint = endpoint.label;
    this.#run = new AttemptRun(plan, this.context, permit, endpoint, this, now);
    this.#run.start(outgoingRequest(this, this.#destination), this.#exchange.isRequestDone);
  }

  connected(connectMs: number): void {
    this.record.connectMs = connectMs;
    // A later attempt goes without Expect: nobody but us will tell the client that it may send.
    if (this.record.attempts > 1 && this.head.expectsContinue) this.#exchange.goOn(continueText);
  }

  informational(head: ResponseHead): void {
    const text = informationalText(head, this.context.via[head.minor]);
    if (head.status === 100) this.#exchange.goOn(text);
    else this.#exchange.inform(text);
  }

  answered(head: ResponseHead, outcome: Outcome, retryAfterMs: number, now: number): void {
    const answer = answerFor(this.#exchange, head, this.context);
    if (outcome.kind === 'failure' || this.plan.retry.isRetriedStatus(head.status)) {
      const failed = outcome.kind === 'failure' ? outcome : failureStatus(head.status, retryAfterMs);
      if (this.#scheduleRetry(failed, { run: this.#run!, answer, outcome })) return;
    }
    this.#conclude(this.#run!, answer, outcome, now);
  }

  switched(head: ResponseHead | null, connection: OpenConnection): void {
    this.timers.answered(this.#now());
    this.#tunnel = openTunnel(this.#exchange, { head, connection, run: this.#run! }, this);
    if (this.#tunnel === null) this.#answerOurselves(tooManyTunnels);
    // It may last for days: on an HTTP port it has a place among tunnels, and leaves the slot to requests.
    else if (this.#exchange.protocol !== 'tcp') this.#releaseSlot(this.#now());
  }

  unanswered(outcome: Outcome): void {
    if (this.#isOver || outcome.kind === 'cancelled') return;
    if (outcome.kind === 'failure') {
      if (!this.#scheduleRetry(outcome, null)) this.#answerOurselves(outcome);
    } else if (outcome.kind === 'rejected') this.#reportLast(outcome);
  }

  data(chunk: Buffer): boolean {
    this.timers.passed();
    if (!this.#exchange.write(chunk)) this.#run?.pause();
    return this.#exchange.isOut;
  }

  flush(): void {
    this.timers.told();
    this.#exchange.flush();
  }

  ended(outcome: Outcome, trailers: string): void {
    if (this.#isOver || outcome.kind === 'cancelled') return;
    if (this.#retries?.isHolding === true) {
      this.#retries.lostHeld(failure('response_incomplete', false));
    } else if (outcome.kind === 'success') {
      this.#over(this.record.outcome);
      this.#exchange.finish(trailers);
    } else this.endConnection(outcome);
  }

  requestEnded(): void {
    if (this.#isOver || this.#exchange.isAnswered) return;
    this.timers.requestEnded(this.#now());
    this.#run?.requestEnded(this.#now());
  }

  requestBroken(violation: Violation): void {
    this.#run?.abort(clientGone);
    if (this.#exchange.isAnswered) {
      // Too late to be told: in the books it is a client that broke off.
      this.record.detail = violation.rule;
      this.endConnection(clientGone);
    } else this.#answerOurselves(refusalOf(violation));
  }

  clientGone(): void {
    if (this.#isOver) return;
    this.#run?.abort(clientGone);
    if (this.#tunnel !== null) this.#tunnel.abandon();
    else this.endConnection(clientGone);
  }

  drained(): void {
    // Before our head is out, what drained was an earlier answer; resuming would also read one that is held for a retry.
    if (this.#exchange.isAnswered) this.#run?.resume();
  }

  /** Time is up: between two attempts, for a client that does not send, in an attempt or its answer, in the queue. */
  timedOut(limit: ExchangeLimit): void {
    if (this.#tunnel !== null) this.#tunnel.abort(failure(limit, false));
    else if (this.#retries?.isWaiting === true) this.#reportLast(failure(limit, false));
    else if (limit === 'idle_timeout' && this.replay?.isStarved === true && !this.#exchange.isAnswered)
      this.#exchange.broken(violations.body_time);
    else if (this.#run !== null) this.#run.abort(failure(limit, false));
    else this.#answerOurselves(failure(limit, true));
  }

  /** False where there is no retry. `held`: the answer that is passed on if the next attempt does not take place. */
  #scheduleRetry(failed: Failure, held: HeldAnswer | null): boolean {
    this.#retries ??= new Retries(this);
    return this.#retries.schedule(failed, held);
  }

  /**
   * An attempt does not take place: tells the client of the last answer or failure that really did; where there was
   * none, of `outcome`.
   */
  #reportLast(outcome: Failure | Rejected): void {
    const held = this.#retries?.stopped(outcome) ?? null;
    if (held === null) this.#answerOurselves(this.#retries?.lastFailure ?? outcome);
    else {
      this.#conclude(held.run, held.answer, held.outcome, this.#now());
      held.run.resume();
    }
  }

  /** The upstream's answer, unless it is a failure that the fallback stands in for. */
  #conclude(run: AttemptRun, answer: Answer, outcome: Outcome, now: number): void {
    if (outcome.kind === 'failure' && standsIn(this.plan, this.record, outcome.reason)) {
      run.discard();
      this.#answerOurselves(outcome);
      return;
    }
    // From here on it streams through, and nothing is tried again.
    this.timers.answered(now);
    this.replay?.forget();
    this.record.answered(outcome, answer.status, now);
    this.#exchange.respond(answer.headText, answer.isChunked, answer.willClose);
  }

  /** The fallback's answer where there is one, else our own. */
  #answerOurselves(outcome: Failure | Rejected): void {
    answerInstead(this.#exchange, this.plan, this.record, outcome, this.#now());
    this.#over(outcome);
    this.#exchange.finish();
  }

  /** The end of an exchange that leaves nothing to be said on its connection. */
  endConnection(outcome: Outcome): void {
    this.#over(outcome);
    this.#exchange.cut();
  }

  /** The end, whatever it was. It comes before the last byte goes out: who has that can rely on the books. */
  #over(outcome: Outcome): void {
    const now = this.#now();
    this.#isOver = true;
    this.timers.stop();
    this.#queued?.cancel();
    this.#retries?.end();
    this.replay?.forget();
    this.#releaseSlot(now);
    this.record.ended(outcome, now);
    this.plan.recorder.exchangeEnded(this.record, now);
    this.context.bus.exchangeEnded(this.record);
  }

  #releaseSlot(now: number): void {
    this.#slot?.release(now);
    this.#slot = null;
  }

  #now(): number {
    return this.context.clock.now();
  }
}
