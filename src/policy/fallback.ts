import type { FallbackSettings } from './policies.ts';
import { type Reason, type ReasonRow, reasons } from './reason.ts';

/** A static answer, the same for everybody. */
export interface FallbackAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** What answers in the upstream's place when it failed or was not asked. */
export interface FallbackSource {
  /** The answer for this reason, and then {@link done} must follow; `full`: too many at once; null: none is meant. */
  tryServe(reason: Reason): FallbackAnswer | 'full' | null;
  /** True when {@link tryServe} would have an answer now: an upstream's own answer is given up only for that. */
  canServe(reason: Reason): boolean;
  /** An answer that was handed out has been sent, or its client has left. */
  done(): void;
}

/** Words in `fallback.on`: any reason but the client's leaving, and the groups that `retry.on` knows too. */
const isMeant = (reason: Reason, on: readonly string[]): boolean => {
  const row: ReasonRow = reasons[reason];
  if (row.kind === 'cancelled') return false;
  if (row.isTimeout && on.includes('timeout')) return true;
  return on.includes(reason) || (row.retryOn !== null && on.includes(row.retryOn));
};

/** The static fallback, with a limit of its own: Hystrix's fallback semaphore, which has no queue either. */
export class Fallback implements FallbackSource {
  readonly #reasons: ReadonlySet<Reason>;
  readonly #answer: FallbackAnswer;
  readonly #concurrency: number;
  #inFlight = 0;

  constructor(settings: FallbackSettings) {
    const all = Object.keys(reasons) as Reason[];
    this.#reasons = new Set(all.filter((reason) => isMeant(reason, settings.on)));
    this.#answer = { status: settings.status, headers: settings.headers, body: settings.body };
    this.#concurrency = settings.concurrency;
  }

  tryServe(reason: Reason): FallbackAnswer | 'full' | null {
    if (!this.#reasons.has(reason)) return null;
    if (this.#inFlight >= this.#concurrency) return 'full';
    this.#inFlight += 1;
    return this.#answer;
  }

  canServe(reason: Reason): boolean {
    return this.#reasons.has(reason) && this.#inFlight < this.#concurrency;
  }

  done(): void {
    if (this.#inFlight === 0) throw new Error('A fallback was ended twice');
    this.#inFlight -= 1;
  }
}

/** For routes without a fallback. */
export const noFallback: FallbackSource = Object.freeze({
  tryServe: () => null,
  canServe: () => false,
  done() {
    throw new Error('A fallback was ended that was never served');
  },
});
