import { isForUpstream } from '../policy/fallback.ts';
import type { Outcome } from '../policy/outcome.ts';
import type { Reason, RejectedReason } from '../policy/reason.ts';
import { reasons } from '../policy/reason.ts';
import { activitySlots, CommandActivity, noActivity } from './command-activity.ts';
import type { CommandDescription, CommandFigures } from './command-figures.ts';
import { CommandHistory, type HistoryFigures } from './command-history.ts';
import type { CommandTotals } from './command-totals.ts';
import type { BreakerTransition, CommandRecorder, ExchangeEnded, RetrySkip } from './events.ts';

/** Transitions of its breaker that a command remembers. */
const maxTransitions = 50;

/** The rolling slot of a refusal. A request that is wrong in itself is what Hystrix calls a bad one. */
const rejectionSlot = (reason: RejectedReason): number => {
  if (reason === 'circuit_open') return activitySlots.shortCircuited;
  if (reason === 'bulkhead_full' || reason === 'queue_timeout') return activitySlots.bulkheadRejected;
  return isForUpstream(reason) ? activitySlots.otherRejected : activitySlots.badRequest;
};

/** The rolling slot of an attempt's verdict. */
const attemptSlot = (outcome: Outcome): number => {
  if (outcome.kind === 'success') {
    return outcome.isIgnored ? activitySlots.badRequest : activitySlots.success;
  }
  if (outcome.kind === 'cancelled') return activitySlots.cancelled;
  return reasons[outcome.reason].isTimeout ? activitySlots.timeout : activitySlots.failure;
};

/** The rolling slot of what the fallback did for a request that has failed or was refused; -1: none. */
const fallbackSlot = ({ fallback, outcome }: ExchangeEnded): number => {
  if (fallback === 'served') return activitySlots.fallbackSuccess;
  if (fallback === 'full') return activitySlots.fallbackRejected;
  if (outcome.kind !== 'failure' && outcome.kind !== 'rejected') return -1;
  return isForUpstream(outcome.reason) ? activitySlots.fallbackMissing : -1;
};

/** How a request ended, as its place in the history's kinds: 0 for one that neither failed nor was refused. */
const historyKind = ({ fallback, outcome }: ExchangeEnded): number => {
  if (fallback === 'served') return 3;
  if (outcome.kind === 'failure') return 1;
  return outcome.kind === 'rejected' ? 2 : 0;
};

/**
 * The books of one command: what the request's path reports goes into rolling figures for people and into totals for
 * Prometheus. Reporting writes into typed arrays and allocates nothing after the first event.
 */
export class CommandBook implements CommandRecorder {
  readonly totals: CommandTotals;
  #description: CommandDescription;
  #activity: CommandActivity | null = null;
  #inFlight = 0;
  readonly #requests = { requests: 0, failed: 0, refused: 0, fallback: 0 };
  #history: CommandHistory | null = null;
  #transitions: readonly BreakerTransition[] = [];

  constructor(description: CommandDescription, totals: CommandTotals) {
    this.#description = description;
    this.totals = totals;
  }

  get description(): CommandDescription {
    return this.#description;
  }

  /** Attempts that were sent and are not judged yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** After a reload: the figures go on, but those of a window whose length changed start empty. */
  describe(description: CommandDescription): void {
    this.#description = description;
    if (this.#activity?.windowMs !== description.settings.breaker.windowMs) this.#activity = null;
  }

  attemptStarted(now: number): void {
    const activity = this.#active();
    this.#inFlight += 1;
    activity.inFlight.record(this.#inFlight, now);
    activity.bulkheadInFlight.record(this.#description.bulkhead.inFlight, now);
  }

  attemptSettled(outcome: Outcome, elapsedMs: number, now: number): void {
    this.#inFlight -= 1;
    this.totals.attemptSettled(outcome, elapsedMs, now);
    // Nothing was sent after all: no execution in Hystrix's sense.
    if (outcome.kind === 'rejected') return;
    const activity = this.#active();
    activity.counts.add(attemptSlot(outcome), now);
    if (outcome.kind !== 'cancelled') activity.execute.record(elapsedMs, now);
  }

  bodyFailed(now: number): void {
    this.#active().counts.add(activitySlots.failure, now);
  }

  requestRejected(reason: RejectedReason, now: number): void {
    this.totals.requestRejected(reason, now);
    this.#active().counts.add(rejectionSlot(reason), now);
  }

  retryStarted(reason: Reason, now: number): void {
    this.totals.retryStarted(reason, now);
    this.#active().counts.add(activitySlots.retries, now);
  }

  retrySkipped(why: RetrySkip, now: number): void {
    this.totals.retrySkipped(why, now);
  }

  exchangeEnded(ended: ExchangeEnded, now: number): void {
    this.totals.exchangeEnded(ended, now);
    this.#countRequest(historyKind(ended), now);
    const activity = this.#active();
    const slot = fallbackSlot(ended);
    if (slot >= 0) activity.counts.add(slot, now);
    // Without an attempt there is no latency of the upstream to speak of (Hystrix leaves rejections out too).
    if (ended.outcome.kind === 'cancelled' || ended.attempts === 0) return;
    activity.total.record(ended.firstByteMs >= 0 ? ended.firstByteMs : ended.totalMs, now);
  }

  transitioned(transition: BreakerTransition): void {
    this.#transitions = [...this.#transitions.slice(1 - maxTransitions), transition];
  }

  /** The last 50 changes of its breaker's state, newest last. */
  get transitions(): readonly BreakerTransition[] {
    return this.#transitions;
  }

  /** What the last two minutes held; null: nothing. */
  history(now: number): HistoryFigures | null {
    return this.#history?.read(now) ?? null;
  }

  figures(now: number): CommandFigures {
    const { name, upstream, route, isUnlisted, settings, breaker, bulkhead } = this.#description;
    const activity = this.#activity;
    return {
      name,
      upstream,
      route,
      isUnlisted,
      settings,
      breaker,
      bulkhead,
      status: breaker.status(now),
      requests: this.#requests,
      inFlight: this.#inFlight,
      maxInFlight: activity?.inFlight.max(now) ?? 0,
      maxBulkheadInFlight: activity?.bulkheadInFlight.max(now) ?? 0,
      rolling: activity?.rolling(now) ?? noActivity.rolling,
      latencyExecute: activity?.execute.read(now) ?? noActivity.latency,
      latencyTotal: activity?.total.read(now) ?? noActivity.latency,
    };
  }

  #countRequest(kind: number, now: number): void {
    const counts = this.#requests;
    counts.requests += 1;
    if (kind === 1) counts.failed += 1;
    else if (kind === 2) counts.refused += 1;
    else if (kind === 3) counts.fallback += 1;
    this.#history ??= new CommandHistory();
    this.#history.count(kind, now);
  }

  #active(): CommandActivity {
    this.#activity ??= new CommandActivity(this.#description.settings.breaker.windowMs);
    return this.#activity;
  }
}
