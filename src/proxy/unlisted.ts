import type { Authority } from '../http1/grammar.ts';
import { formatAuthority } from '../http1/grammar.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { type Rejected, rejected } from '../policy/outcome.ts';
import type { Plan } from './plan.ts';

/** A destination that no upstream names, with policies of its own. */
export interface UnlistedDestination {
  readonly plan: Plan;
  /** True when it may go for a newcomer: nothing is in flight, its circuit is closed and nobody has forced it. */
  mayMakeRoom(now: number): boolean;
  /** True when nobody would miss it after a long time without use: as above, or its circuit is open and done sleeping. */
  isForgettable(now: number): boolean;
  /** Another one of the same name has taken its place, with what it knew. */
  replaced(): void;
  close(): void;
}

/** How many are remembered at the same time, and how long one that nobody asks for. */
export interface UnlistedBounds {
  readonly max: number;
  readonly idleMs: number;
}

export interface UnlistedOptions extends UnlistedBounds {
  readonly clock: Clock;
  /** `name` is `host:port`; `before` is the plan of the one whose place it takes, null where there is none. */
  create(name: string, authority: Authority, before: Plan | null): UnlistedDestination;
}

interface Remembered {
  readonly authority: Authority;
  destination: UnlistedDestination;
  usedAt: number;
}

const tooMany: Rejected = Object.freeze(rejected('too_many_destinations'));

/**
 * The destinations that no upstream names, each with a command of its own, and a bound on how many there are. The one
 * that was unused for longest makes room. An open circuit is never forgotten for a newcomer, but for want of use: or those
 * that nobody asks for again would fill the place for good.
 */
export class UnlistedDestinations {
  readonly #options: UnlistedOptions;
  #bounds: UnlistedBounds;
  /** Least recently used first. */
  readonly #byName = new Map<string, Remembered>();
  #sweep: Timer | null = null;

  constructor(options: UnlistedOptions) {
    this.#options = options;
    this.#bounds = options;
  }

  get size(): number {
    return this.#byName.size;
  }

  /** `authority` has a port. */
  planFor(authority: Authority): Plan | Rejected {
    const name = formatAuthority(authority);
    const now = this.#options.clock.now();
    let remembered = this.#byName.get(name);
    if (remembered === undefined) {
      if (this.#byName.size >= this.#bounds.max && !this.#makeRoom(now)) return tooMany;
      remembered = { authority, destination: this.#options.create(name, authority, null), usedAt: now };
      if (this.#sweep === null) this.#sweepIn(this.#bounds.idleMs);
    } else this.#byName.delete(name);
    remembered.usedAt = now;
    this.#byName.set(name, remembered);
    return remembered.destination.plan;
  }

  /** Takes other bounds over. Where there are more than fit now, newcomers wait until one of them may go. */
  update(bounds: UnlistedBounds): void {
    const { idleMs } = this.#bounds;
    this.#bounds = bounds;
    // Begun anew each time, the wait would never be over where reloads come often.
    if (this.#sweep === null || bounds.idleMs === idleMs) return;
    this.#sweep.cancel();
    this.#sweepIn(bounds.idleMs / 4);
  }

  /** Creates each of them anew, for `create` now does it by other policies. */
  renew(): void {
    for (const [name, remembered] of this.#byName) {
      const before = remembered.destination;
      remembered.destination = this.#options.create(name, remembered.authority, before.plan);
      before.replaced();
    }
  }

  close(): void {
    this.#sweep?.cancel();
    this.#sweep = null;
    for (const name of [...this.#byName.keys()]) this.#drop(name);
  }

  #makeRoom(now: number): boolean {
    for (const [name, { destination }] of this.#byName) {
      if (!destination.mayMakeRoom(now)) continue;
      this.#drop(name);
      return true;
    }
    return false;
  }

  #dropIdle(): void {
    const { idleMs } = this.#bounds;
    const now = this.#options.clock.now();
    this.#sweep = null;
    for (const [name, { destination, usedAt }] of this.#byName) {
      if (now - usedAt >= idleMs && destination.isForgettable(now)) this.#drop(name);
    }
    if (this.#byName.size > 0) this.#sweepIn(idleMs / 4);
  }

  #sweepIn(delayMs: number): void {
    this.#sweep = this.#options.clock.after(delayMs, () => this.#dropIdle());
  }

  #drop(name: string): void {
    const remembered = this.#byName.get(name);
    this.#byName.delete(name);
    remembered?.destination.close();
  }
}
