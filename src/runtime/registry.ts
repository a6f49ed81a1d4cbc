import type { Clock, Timer } from '../lib/clock.ts';
import { Breaker, type BreakerChange } from '../policy/breaker.ts';
import { Bulkhead } from '../policy/bulkhead.ts';
import type { BreakerSettings, BulkheadSettings, Force } from '../policy/policies.ts';
import type { BreakerOverride, Bus } from '../telemetry/events.ts';

/**
 * What has a name and a memory: the breakers, with their manual overrides, and the bulkheads. The admin interface finds
 * them here, and whoever drops a command or ends the process closes them here.
 */
export class Registry {
  readonly #clock: Clock;
  readonly #bus: Bus;
  readonly #breakers = new Map<string, Breaker>();
  readonly #bulkheads = new Map<string, Bulkhead>();
  /** Of the overrides that end by themselves. */
  readonly #overrideEnds = new Map<string, Timer>();

  constructor(clock: Clock, bus: Bus) {
    this.#clock = clock;
    this.#bus = bus;
  }

  /** A new bulkhead; who shares it is decided by whom it is handed to. */
  bulkhead(name: string, settings: BulkheadSettings): Bulkhead {
    const bulkhead = new Bulkhead(name, settings, this.#clock);
    this.#bulkheads.set(name, bulkhead);
    return bulkhead;
  }

  /** The breaker of a command, whose requests wait in `bulkhead`. */
  breaker(name: string, settings: BreakerSettings, bulkhead: Bulkhead): Breaker {
    const onTransition = (change: BreakerChange) => this.#changed(breaker, bulkhead, change);
    const breaker: Breaker = new Breaker(name, settings, onTransition, this.#clock.now());
    this.#breakers.set(name, breaker);
    return breaker;
  }

  /** Forgets the breaker and the bulkhead of this name. */
  drop(name: string): void {
    this.#stopTimer(name);
    this.#bulkheads.get(name)?.close();
    this.#bulkheads.delete(name);
    const breaker = this.#breakers.get(name);
    if (breaker === undefined) return;
    breaker.retire(this.#clock.now());
    this.#breakers.delete(name);
  }

  /** Sets or lifts a manual override; `ttlMs` Infinity: until it is lifted. False where there is no such breaker. */
  force(name: string, force: Force, ttlMs: number): boolean {
    const breaker = this.#breakers.get(name);
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
    const breaker = this.#breakers.get(name);
    return breaker !== undefined && breaker.state === 'closed' && !breaker.isOverridden;
  }

  /** True for a circuit that somebody has forced, or that would refuse now. */
  isNeeded(name: string, now: number): boolean {
    const breaker = this.#breakers.get(name);
    return breaker !== undefined && (breaker.isOverridden || breaker.status(now).nextProbeInMs > 0);
  }

  close(): void {
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

  #changed(breaker: Breaker, bulkhead: Bulkhead, { from, to, why }: BreakerChange): void {
    const now = this.#clock.now();
    const { forcedBy, total, errors, slow } = breaker.status(now);
    const counts = { total, errors, slow };
    const at = this.#clock.wallTime();
    this.#bus.breakerTransition({ command: breaker.name, from, to, why, forcedBy, counts, at });
    if (to !== 'open') return;
    // Those who wait for a place would only be refused when they get it.
    const refusal = breaker.peek(now);
    if (refusal !== null) bulkhead.refuseWaiting(breaker, refusal);
  }
}
