import type { Permit } from './gate.ts';
import type { Generation, ProbeRound } from './generation.ts';
import type { Outcome } from './outcome.ts';

/** Who hears what became of a permit. */
export interface PermitIssuer {
  settle(permit: AttemptPermit, outcome: Outcome, elapsedMs: number, now: number): void;
  addBodyFailure(permit: AttemptPermit, now: number): void;
}

/** The permit of a breaker: hands everything on, once, together with the generation that it was issued in. */
export class AttemptPermit implements Permit {
  readonly kind = 'permit';
  readonly generation: Generation;
  /** Where a probe has its place; null for any other attempt. */
  readonly round: ProbeRound | null;
  readonly #issuer: PermitIssuer;
  #isSettled = false;

  constructor(issuer: PermitIssuer, generation: Generation, round: ProbeRound | null) {
    this.#issuer = issuer;
    this.generation = generation;
    this.round = round;
  }

  get isProbe(): boolean {
    return this.round !== null;
  }

  settle(outcome: Outcome, elapsedMs: number, now: number): void {
    if (this.#isSettled) throw new Error('A permit was settled twice');
    this.#isSettled = true;
    this.#issuer.settle(this, outcome, elapsedMs, now);
  }

  addBodyFailure(now: number): void {
    this.#issuer.addBodyFailure(this, now);
  }
}
