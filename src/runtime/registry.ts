import { Cap } from '../lib/cap.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { Breaker, type BreakerChange } from '../policy/breaker.ts';
import { Bulkhead } from '../policy/bulkhead.ts';
import type { BreakerSettings, BulkheadSettings, Force } from '../policy/policies.ts';
import type { BreakerOverride, Bus } from '../telemetry/events.ts';

/** A breaker, and the bulkheads in which its requests wait: the one of its plan, and those of plans before. */
interface Guarded {
  readonly breaker: Breaker;
  bulkheads: readonly Bulkhead[];
}

/**
 * What has a name and a memory: the breakers, with their manual overrides, the bulkheads, and the places of fallbacks.
 * Who asks for a name that is there already gets what is there, with the new limits: that is how they outlive a
 * configuration. The admin interface finds them here, and whoever drops a command or ends the process closes them here.
 */
export class Registry {
  readonly #clock: Clock;
  readonly #bus: Bus;
  readonly #breakers = new Map<string, Guarded>();
  readonly #bulkheads = new Map<string, Bulkhead>();
  readonly #fallbackPlaces = new Map<string, Cap>();
  /** Of the overrides that end by themselves. */
  readonly #overrideEnds = new Map<string, Timer>();

  constructor(clock: Clock, bus: Bus) {
    this.#clock = clock;
    this.#bus = bus;
  }

  /** The bulkhead of this name; who shares it is decided by whom it is handed to. */
  bulkhead(name: string, settings: BulkheadSettings): Bulkhead {
    const known = this.#bulkheads.get(name);
    if (known !== undefined) {
      known.update(settings);
      return known;
    }
    const bulkhead = new Bulkhead(name, settings, this.#clock);
    this.#bulkheads.set(name, bulkhead);
    return bulkhead;
  }

  /** The breaker of a command, whose requests wait in `bulkhead`. */
  breaker(name: string, settings: BreakerSettings, bulkhead: Bulkhead): Breaker {
    const known = this.#breakers.get(name);
    if (known !== undefined) {
      const left = known.bulkheads.filter((each) => each !== bulkhead && each.queued > 0);
      known.bulkheads = [bulkhead, ...left];
      known.breaker.update(settings);
      return known.breaker;
    }
    const onTransition = (change: BreakerChange) => this.#changed(guarded, change);
    const guarded: Guarded = {
      breaker: new Breaker(name, settings, onTransition, this.#clock.now()),
      bulkheads: [bulkhead],
    };
    this.#breakers.set(name, guarded);
    return guarded.breaker;
  }

  /** How many answers the fallback of a command may be giving at the same time, with those that it is giving. */
  fallbackPlaces(name: string, max: number): Cap {
    const places = this.#fallbackPlaces.get(name) ?? new Cap(max);
    places.resize(max);
    this.#fallbackPlaces.set(name, places);
    return places;
  }

  /** Forgets all that has this name. */
  drop(name: string): void {
    this.#stopTimer(name);
    this.dropBulkhead(name);
    this.#fallbackPlaces.delete(name);
    const guarded = this.#breakers.get(name);
    if (guarded === undefined) return;
    guarded.breaker.retire(this.#clock.now());
    this.#breakers.delete(name);
  }

  /** Forgets a bulkhead. Those who are in it or wait for it go on: its clock stops with the last of them. */
  dropBulkhead(name: string): void {
    this.#bulkheads.delete(name);
  }

  /** Sets or lifts a manual override; `ttlMs` Infinity: until it is lifted. False where there is no such breaker. */
  force(name: string, force: Force, ttlMs: number): boolean {
    const breaker = this.#breakers.get(name)?.breaker;
    if (breaker === undefined) return false;
    this.#stopTimer(name);
    breaker.force(force, this.#clock.now(), ttlMs);
    this.#tell(name, force, 'by hand', force === 'none' ? 0 : ttlMs);
    if (force !== 'none' && Number.isFinite(ttlMs)) {
      const end = this.#clock.after(ttlMs, () => this.#expire(name, breaker));
      this.#overrideEnds.set(name, end);
    }
    return true;
  }

  /** True for a closed circuit that nobody has forced: forgetting it loses nothing. */
  isAtRest(name: string): boolean {
    const breaker = this.#breakers.get(name)?.breaker;
    return breaker !== undefined && breaker.state === 'closed' && !breaker.isOverridden;
  }

  /** True for a circuit that somebody has forced, or that would refuse now. */
  isNeeded(name: string, now: number): boolean {
    const breaker = this.#breakers.get(name)?.breaker;
    return breaker !== undefined && (breaker.isOverridden || breaker.status(now).nextProbeInMs > 0);
  }

  close(): void {
    for (const bulkhead of this.#bulkheads.values()) bulkhead.close();
    for (const name of [...this.#breakers.keys()]) this.drop(name);
  }

  /** Back to what the configuration says. */
  #expire(name: string, breaker: Breaker): void {
    this.#overrideEnds.delete(name);
    breaker.endOverride();
    this.#tell(name, breaker.configuredForce, 'its time is over', 0);
  }

  #tell(command: string, force: Force, cause: BreakerOverride['cause'], ttlMs: number): void {
    this.#bus.breakerOverridden({ command, force, cause, ttlMs, at: this.#clock.wallTime() });
  }

  #stopTimer(name: string): void {
    this.#overrideEnds.get(name)?.cancel();
    this.#overrideEnds.delete(name);
  }

  #changed({ breaker, bulkheads }: Guarded, { from, to, why }: BreakerChange): void {
    const now = this.#clock.now();
    const { forcedBy, total, errors, slow } = breaker.status(now);
    const counts = { total, errors, slow };
    const at = this.#clock.wallTime();
    this.#bus.breakerTransition({ command: breaker.name, from, to, why, forcedBy, counts, at });
    if (to !== 'open') return;
    // Those who wait for a place would only be refused when they get it.
    const refusal = breaker.peek(now);
    if (refusal === null) return;
    for (const bulkhead of bulkheads) bulkhead.refuseWaiting(breaker, refusal);
  }
}
