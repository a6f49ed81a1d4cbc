import type { Outcome, OutcomeKind } from '../policy/outcome.ts';
import type { Reason, RejectedReason } from '../policy/reason.ts';
import { reasons } from '../policy/reason.ts';
import { CodeCounts, DurationCounts, ReasonCounts } from './counts.ts';
import type { BreakerStateName, CloseReason, CommandRecorder, ExchangeEnded, RetrySkip } from './events.ts';

/** How a request ended, in the words of the metrics: `fallback` is one that the fallback answered. */
export type RequestOutcome = OutcomeKind | 'fallback';

/** The labels of every series of a command: names out of the configuration, never a raw host or path. */
export interface CommandLabels {
  readonly upstream: string;
  readonly route: string;
}

/**
 * What has been counted for one pair of labels since the process began: it only grows. Everything is made at first use,
 * since most commands of a large configuration never see most of it. Counting allocates nothing after that; reading
 * happens at a scrape.
 */
export class CommandTotals implements CommandRecorder {
  readonly labels: CommandLabels;
  #requests: Map<RequestOutcome, CodeCounts> | null = null;
  #durations: DurationCounts | null = null;
  #attemptSuccesses = 0;
  #attemptReasons: ReasonCounts | null = null;
  #rejections: ReasonCounts | null = null;
  #retries: ReasonCounts | null = null;
  #retriesSkipped: Map<RetrySkip, number> | null = null;
  #transitions: Map<string, number> | null = null;
  #tunnels: Map<CloseReason, number> | null = null;
  /** What went through tunnels, from clients and to them. */
  tunnelSentBytes = 0;
  tunnelReceivedBytes = 0;

  constructor(labels: CommandLabels) {
    this.labels = Object.freeze(labels);
  }

  /** Null until a request has ended. */
  get durations(): DurationCounts | null {
    return this.#durations;
  }

  /** An attempt is counted when it is judged, so that outcomes and attempts add up at any moment. */
  attemptStarted(_now: number): void {}

  attemptSettled(outcome: Outcome, _elapsedMs: number, _now: number): void {
    if (outcome.kind === 'success') {
      this.#attemptSuccesses += 1;
      return;
    }
    this.#attemptReasons ??= new ReasonCounts();
    this.#attemptReasons.add(outcome.reason);
  }

  /** The attempt was counted when its head was judged; that its body broke off is the request's outcome. */
  bodyFailed(_now: number): void {}

  requestRejected(reason: RejectedReason, _now: number): void {
    this.#rejections ??= new ReasonCounts();
    this.#rejections.add(reason);
  }

  retryStarted(reason: Reason, _now: number): void {
    this.#retries ??= new ReasonCounts();
    this.#retries.add(reason);
  }

  retrySkipped(why: RetrySkip, _now: number): void {
    this.#retriesSkipped ??= new Map();
    this.#retriesSkipped.set(why, (this.#retriesSkipped.get(why) ?? 0) + 1);
  }

  exchangeEnded(ended: ExchangeEnded, _now: number): void {
    const outcome = ended.fallback === 'served' ? 'fallback' : ended.outcome.kind;
    this.#requests ??= new Map();
    let codes = this.#requests.get(outcome);
    if (codes === undefined) {
      codes = new CodeCounts();
      this.#requests.set(outcome, codes);
    }
    codes.add(ended.status);
    this.#durations ??= new DurationCounts();
    this.#durations.record(ended.totalMs);
    if (ended.closeReason !== null) this.#tunnelEnded(ended, ended.closeReason);
  }

  transitioned(from: BreakerStateName, to: BreakerStateName): void {
    const key = `${from} ${to}`;
    this.#transitions ??= new Map();
    this.#transitions.set(key, (this.#transitions.get(key) ?? 0) + 1);
  }

  *requests(): Generator<readonly [outcome: RequestOutcome, status: number, count: number]> {
    for (const [outcome, codes] of this.#requests ?? []) {
      for (const [status, count] of codes.entries()) yield [outcome, status, count];
    }
  }

  /** `reason` is empty for successes. */
  *attempts(): Generator<readonly [outcome: OutcomeKind, reason: Reason | '', count: number]> {
    if (this.#attemptSuccesses > 0) yield ['success', '', this.#attemptSuccesses];
    for (const [reason, count] of this.#attemptReasons?.entries() ?? []) {
      yield [reasons[reason].kind, reason, count];
    }
  }

  rejections(): Iterable<readonly [reason: Reason, count: number]> {
    return this.#rejections?.entries() ?? [];
  }

  retries(): Iterable<readonly [reason: Reason, count: number]> {
    return this.#retries?.entries() ?? [];
  }

  retriesSkipped(): Iterable<readonly [why: RetrySkip, count: number]> {
    return this.#retriesSkipped ?? [];
  }

  /** Tunnels that have ended, by how. */
  tunnels(): Iterable<readonly [why: CloseReason, count: number]> {
    return this.#tunnels ?? [];
  }

  *transitions(): Generator<readonly [from: string, to: string, count: number]> {
    for (const [key, count] of this.#transitions ?? []) {
      const [from = '', to = ''] = key.split(' ');
      yield [from, to, count];
    }
  }

  #tunnelEnded({ requestBytes, responseBytes }: ExchangeEnded, why: CloseReason): void {
    this.#tunnels ??= new Map();
    this.#tunnels.set(why, (this.#tunnels.get(why) ?? 0) + 1);
    this.tunnelSentBytes += requestBytes;
    this.tunnelReceivedBytes += responseBytes;
  }
}
