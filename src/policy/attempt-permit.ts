import type { Permit } from './gate.ts';
import type { Outcome } from './outcome.ts';

/** What belongs to one stay of a breaker in a state. Once it is over, what its permits settle moves nothing. */
export class Generation {
  /** When the state began, on the monotonic clock. */
  readonly since: number;
  probesInFlight = 0;
  probesSucceeded = 0;

  constructor(since: number) {
    this.since = since;
  }
}

/** Who hears what became of a permit. */
export interface PermitIssuer {
  settle(generation: Generation, isProbe: boolean, outcome: Outcome, elapsedMs: number, now: number): void;
  addBodyFailure(generation: Generation, now: number): void;
}

/** The permit of a breaker: hands everything on, once, together with the generation that it was issued in. */
export class AttemptPermit implements Permit {
  readonly kind = 'permit';
  readonly isProbe: boolean;
  readonly #issuer: PermitIssuer;
  readonly #generation: Generation;
  #isSettled = false;

  constructor(issuer: PermitIssuer, generation: Generation, isProbe: boolean) {
    this.#issuer = issuer;
    this.#generation = generation;
    this.isProbe = isProbe;
  }

  settle(outcome: Outcome, elapsedMs: number, now: number): void {
    if (this.#isSettled) throw new Error('A permit was settled twice');
    this.#isSettled = true;
    this.#issuer.settle(this.#generation, this.isProbe, outcome, elapsedMs, now);
  }

  addBodyFailure(now: number): void {
    this.#issuer.addBodyFailure(this.#generation, now);
  }
}
