import type { ProbeProgress } from './gate.ts';

/** The probes that hold the places of a half-open breaker at the same time. */
export class ProbeRound {
  inFlight = 0;
  /** When the latest one began; -Infinity: none has. */
  latestAt = Number.NEGATIVE_INFINITY;
}

/**
 * One stay of a breaker in a state, and what belongs to it. Once it is over, what its permits settle moves nothing.
 *
 * While it is half-open it counts the probes. Places for them are as many as successes are still needed. When all are
 * taken and a whole sleep has gone by since the latest probe began, the round is given up: its probes count as lost, a
 * new round begins, and what the old one's places do touches nothing any more (decision 15).
 */
export class Generation {
  /** When the state began, on the monotonic clock. */
  readonly since: number;
  /** Why the circuit opened, in words and numbers; empty while it is closed. */
  readonly why: string;
  #round = new ProbeRound();
  #succeeded = 0;
  #lost = 0;

  constructor(since: number, why: string) {
    this.since = since;
    this.why = why;
  }

  /** One sleep after this date another probe may go; -Infinity: there is a place for one. `needed`: successes that close. */
  restsFrom(needed: number): number {
    return this.#hasPlace(needed) ? Number.NEGATIVE_INFINITY : this.#round.latestAt;
  }

  /** A probe that {@link restsFrom} allows begins. It takes a place of the round that is returned. */
  beginProbe(needed: number, now: number): ProbeRound {
    if (!this.#hasPlace(needed)) {
      this.#lost += this.#round.inFlight;
      this.#round = new ProbeRound();
    }
    this.#round.inFlight += 1;
    this.#round.latestAt = now;
    return this.#round;
  }

  /** Returns how many there have been. */
  addSuccess(): number {
    this.#succeeded += 1;
    return this.#succeeded;
  }

  progress(needed: number): ProbeProgress {
    return { needed, succeeded: this.#succeeded, inFlight: this.#round.inFlight, lost: this.#lost };
  }

  /** Where a limit was lowered to what has succeeded already, one more is asked for the verdict. */
  #hasPlace(needed: number): boolean {
    return this.#round.inFlight < Math.max(1, needed - this.#succeeded);
  }
}
