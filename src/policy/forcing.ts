import { forcedWords } from './explain.ts';
import { type Rejected, rejected } from './outcome.ts';
import type { Force } from './policies.ts';

/** What is forced upon a breaker, by whom, and until when. It ends when somebody ends it: a date, no timer. */
export class Forcing {
  readonly force: Force;
  readonly by: 'hand' | 'configuration';
  /** On the monotonic clock; Infinity: until somebody changes it. */
  readonly #until: number;

  constructor(force: Force, by: 'hand' | 'configuration', until = Number.POSITIVE_INFINITY) {
    this.force = force;
    this.by = by;
    this.#until = until;
  }

  /** True for open or closed by hand. `none` by hand overrides nothing that could change. */
  get isOverride(): boolean {
    return this.by === 'hand' && this.force !== 'none';
  }

  /** Infinity: nobody knows; -1: nothing is forced. */
  endsInMs(now: number): number {
    return this.force === 'none' ? -1 : Math.max(0, this.#until - now);
  }

  /** The answer to who asks while it is forced open. `next`: what the configuration forces when this ends. */
  refusal(next: Force, now: number): Rejected {
    const endsInMs = this.endsInMs(now);
    const isKnown = Number.isFinite(endsInMs) && next !== 'open';
    return rejected('circuit_open', isKnown ? endsInMs : -1, forcedWords(this.force, this.by));
  }
}
