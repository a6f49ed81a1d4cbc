import type { Clock, Timer } from '../lib/clock.ts';
import type { Failure } from '../policy/outcome.ts';
import type { LookupResult } from '../telemetry/events.ts';
import { isAbsence } from './faults.ts';
import type { Lookup, ResolvedAddress, ResolveObserver } from './lookup.ts';
import { clampTtl, MIN_TTL_MS, type Resolver } from './resolver.ts';

/** How long the last good addresses are kept while the name servers fail. */
const STALE_LIMIT_MS = 300_000;
/** Answers without addresses, in a row, until they are believed: a single one is often a slip of the name server. */
const EMPTY_ANSWERS = 2;
/** Between two attempts while there is no good answer: from 1 s, doubling to this. */
const LONGEST_RETRY_MS = 5000;
/** Share of a wait that chance adds, so that the names of one file, and many proxies, do not ask in step. */
const JITTER_RATIO = 0.1;

/** What there is to say of a declared name. */
export interface DiscoveryStatus {
  /** Since the last answer with addresses; -1: there was none. */
  readonly resolvedAgoMs: number;
  /** True while the addresses in use are those of an earlier answer, since the last lookup failed. */
  readonly isStale: boolean;
  /** The last lookup that failed, even if there were good ones since; null: none did. */
  readonly lastFailure: { readonly detail: string; readonly agoMs: number } | null;
}

export interface DiscoveryOptions {
  readonly host: string;
  /** 0: `host` is a service name, whose records say the ports. */
  readonly port: number;
  readonly resolver: Pick<Resolver, 'resolve'>;
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  /**
   * The addresses from now on, as often as there is news of them, changed or not; none: there is nothing to dial.
   * `why` in a few words. May be called before `start` returns.
   */
  readonly onAddresses: (addresses: readonly ResolvedAddress[], why: string) => void;
  /** The first lookup that failed after a good one, or at all. `why` says what becomes of the addresses. */
  readonly onFailing: (why: string) => void;
  /** The first good answer after that. */
  readonly onRecovered: (why: string) => void;
}

/**
 * Keeps an eye on a declared name in the background. It asks again when the answer's time to live is over (between 1 s
 * and 30 s); when the name servers fail it says nothing, so that the last good addresses stay in use, for 5 minutes.
 */
export class Discovery implements ResolveObserver {
  readonly #options: DiscoveryOptions;
  readonly #lookups: Record<LookupResult, number> = { answered: 0, empty: 0, failed: 0, timeout: 0 };
  #isTried = false;
  #lookup: Lookup | null = null;
  #timer: Timer | null = null;
  #emptyAnswers = 0;
  #addressCount = 0;
  #lastGoodAt: number | null = null;
  #failingSince: number | null = null;
  #lastFailure: { readonly detail: string; readonly at: number } | null = null;
  #retries = 0;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** True from the first answer or failure on. */
  get isTried(): boolean {
    return this.#isTried;
  }

  /** Lookups that have ended. */
  get lookups(): Readonly<Record<LookupResult, number>> {
    return this.#lookups;
  }

  status(now: number): DiscoveryStatus {
    const failure = this.#lastFailure;
    return {
      resolvedAgoMs: this.#lastGoodAt === null ? -1 : now - this.#lastGoodAt,
      isStale: this.#failingSince !== null && this.#addressCount > 0,
      lastFailure: failure === null ? null : { detail: failure.detail, agoMs: now - failure.at },
    };
  }

  start(): void {
    this.#ask();
  }

  close(): void {
    this.#lookup?.cancel();
    this.#timer?.cancel();
  }

  resolved(addresses: readonly ResolvedAddress[], ttlMs: number): void {
    const now = this.#options.clock.now();
    this.#isTried = true;
    this.#lookups.answered += 1;
    this.#emptyAnswers = 0;
    this.#retries = 0;
    this.#lastGoodAt = now;
    this.#use(addresses, 'resolved');
    if (this.#failingSince !== null) {
      this.#options.onRecovered(`resolved again after ${inSeconds(now - this.#failingSince)}`);
      this.#failingSince = null;
    }
    if (ttlMs !== Number.POSITIVE_INFINITY) this.#askAgainIn(clampTtl(ttlMs));
  }

  failed(fault: Failure): void {
    const now = this.#options.clock.now();
    this.#isTried = true;
    this.#lookups[resultOf(fault)] += 1;
    this.#lastFailure = { detail: fault.detail, at: now };
    if (this.#failingSince === null) {
      this.#failingSince = now;
      this.#options.onFailing(this.#describeFailing(fault, now));
    }
    if (isAbsence(fault)) {
      this.#emptyAnswers += 1;
      if (this.#emptyAnswers >= EMPTY_ANSWERS) this.#use([], `no addresses: ${fault.detail}`);
    } else if (this.#lastGoodAt !== null && now - this.#lastGoodAt >= STALE_LIMIT_MS) {
      this.#use([], `no answer for 5 minutes: ${fault.detail}`);
    }
    this.#askAgainIn(Math.min(LONGEST_RETRY_MS, MIN_TTL_MS * 2 ** this.#retries));
    this.#retries += 1;
  }

  #use(addresses: readonly ResolvedAddress[], why: string): void {
    this.#addressCount = addresses.length;
    this.#options.onAddresses(addresses, why);
  }

  #describeFailing({ detail }: Failure, now: number): string {
    if (this.#lastGoodAt === null) return `${detail}, and it has never been resolved`;
    const count = this.#addressCount === 1 ? '1 address that is' : `${this.#addressCount} addresses that are`;
    return `${detail}, keeping ${count} ${inSeconds(now - this.#lastGoodAt)} old`;
  }

  #askAgainIn(delayMs: number): void {
    const { clock, random } = this.#options;
    this.#timer = clock.after(delayMs * (1 + JITTER_RATIO * random()), () => this.#ask());
  }

  #ask(): void {
    const { resolver, host, port } = this.#options;
    this.#lookup = resolver.resolve(host, port, this, 'thorough');
  }
}

const resultOf = (fault: Failure): LookupResult => {
  if (isAbsence(fault)) return 'empty';
  return fault.reason === 'dns_timeout' ? 'timeout' : 'failed';
};

const inSeconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
