import type { Clock, Timer } from '../lib/clock.ts';
import type { Failure } from '../policy/outcome.ts';
import type { IpLiteral } from './address-rules.ts';
import { isAbsence } from './faults.ts';
import { clampTtl, type Lookup, MIN_TTL_MS, type ResolveObserver, type Resolver } from './resolver.ts';

/** How long the last good addresses are kept while the name servers fail. */
const STALE_LIMIT_MS = 300_000;
/** Answers without addresses, in a row, until they are believed: a single one is often a slip of the name server. */
const EMPTY_ANSWERS = 2;
/** Between two attempts while there is no good answer: from 1 s, doubling to this. */
const LONGEST_RETRY_MS = 5000;
/** Share of a wait that chance adds, so that the names of one file, and many proxies, do not ask in step. */
const JITTER_RATIO = 0.1;

export interface DiscoveryOptions {
  readonly host: string;
  readonly port: number;
  readonly resolver: Pick<Resolver, 'resolve'>;
  readonly clock: Clock;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  /**
   * The addresses from now on, as often as there is news of them, changed or not; none: there is nothing to dial.
   * `why` in a few words. May be called before `start` returns.
   */
  readonly onAddresses: (addresses: readonly IpLiteral[], why: string) => void;
}

/**
 * Keeps an eye on a declared name in the background. It asks again when the answer's time to live is over (between 1 s
 * and 30 s); when the name servers fail it says nothing, so that the last good addresses stay in use, for 5 minutes.
 */
export class Discovery implements ResolveObserver {
  readonly #options: DiscoveryOptions;
  #isTried = false;
  #lookup: Lookup | null = null;
  #timer: Timer | null = null;
  #emptyAnswers = 0;
  #lastGoodAt: number | null = null;
  #retries = 0;

  constructor(options: DiscoveryOptions) {
    this.#options = options;
  }

  /** True from the first answer or failure on. */
  get isTried(): boolean {
    return this.#isTried;
  }

  start(): void {
    this.#ask();
  }

  close(): void {
    this.#lookup?.cancel();
    this.#timer?.cancel();
  }

  resolved(addresses: readonly IpLiteral[], ttlMs: number): void {
    this.#isTried = true;
    this.#emptyAnswers = 0;
    this.#retries = 0;
    this.#lastGoodAt = this.#options.clock.now();
    this.#options.onAddresses(addresses, 'resolved');
    if (ttlMs !== Number.POSITIVE_INFINITY) this.#askAgainIn(clampTtl(ttlMs));
  }

  failed(fault: Failure): void {
    this.#isTried = true;
    if (isAbsence(fault)) {
      this.#emptyAnswers += 1;
      if (this.#emptyAnswers >= EMPTY_ANSWERS) this.#options.onAddresses([], `no addresses: ${fault.detail}`);
    } else if (this.#lastGoodAt !== null && this.#options.clock.now() - this.#lastGoodAt >= STALE_LIMIT_MS) {
      this.#options.onAddresses([], `no answer for 5 minutes: ${fault.detail}`);
    }
    this.#askAgainIn(Math.min(LONGEST_RETRY_MS, MIN_TTL_MS * 2 ** this.#retries));
    this.#retries += 1;
  }

  #askAgainIn(delayMs: number): void {
    const { clock, random } = this.#options;
    this.#timer = clock.after(delayMs * (1 + JITTER_RATIO * random()), () => this.#ask());
  }

  #ask(): void {
    const { resolver, host, port } = this.#options;
    this.#lookup = resolver.resolve(host, port, this);
  }
}
