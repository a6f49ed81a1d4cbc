import type { Incident, NumberedIncident } from '../board/stream-events.ts';
import type { BusListener } from '../telemetry/bus.ts';
import type {
  BreakerOverride,
  BreakerTransition,
  ConfigReload,
  DiscoveryChange,
  EndpointChange,
  EndpointSetChange,
} from '../telemetry/events.ts';

/** Hears of an incident the moment it happens. */
export type IncidentListener = (numbered: NumberedIncident) => void;

/**
 * The last incidents of the process, numbered from 1: what a reader of `/events` is told of that was away. It listens on
 * the bus from the start, whether anybody reads or not.
 */
export class IncidentRing implements BusListener {
  readonly #capacity: number;
  readonly #kept: NumberedIncident[] = [];
  #last = 0;
  #listener: IncidentListener | null = null;

  /** `capacity`: how many are kept, ≥ 1. */
  constructor(capacity = 1000) {
    this.#capacity = capacity;
  }

  /** Number of the latest incident; 0: there was none. */
  get last(): number {
    return this.#last;
  }

  /** One listener, for all that happens from now on. */
  listen(listener: IncidentListener): void {
    this.#listener = listener;
  }

  /** Those after `number` that are kept, oldest first. */
  after(number: number): readonly NumberedIncident[] {
    const first = this.#last - this.#kept.length + 1;
    const from = Math.max(number + 1, first);
    const incidents: NumberedIncident[] = [];
    for (let wanted = from; wanted <= this.#last; wanted += 1) {
      incidents.push(this.#kept[(wanted - 1) % this.#capacity]!);
    }
    return incidents;
  }

  /** True where {@link after} gives all that came after `number`. */
  knowsSince(number: number): boolean {
    return number >= this.#last - this.#kept.length;
  }

  breakerTransition({ at, command, from, to, why, forcedBy, counts }: BreakerTransition): void {
    this.#add({ kind: 'transition', at, command, from, to, why, forcedBy, counts });
  }

  breakerOverridden({ at, command, force, cause, ttlMs }: BreakerOverride): void {
    this.#add({ kind: 'override', at, command, force, cause, ttlMs: Number.isFinite(ttlMs) ? ttlMs : null });
  }

  endpointChanged({ at, upstream, endpoint, change, why }: EndpointChange): void {
    this.#add({ kind: 'endpoint', at, upstream, endpoint, change, why });
  }

  endpointSetChanged({ at, upstream, added, removed, size, why }: EndpointSetChange): void {
    this.#add({ kind: 'endpoints', at, upstream, added, removed, size, why });
  }

  discoveryChanged({ at, upstream, host, change, why }: DiscoveryChange): void {
    this.#add({ kind: 'discovery', at, upstream, host, change, why });
  }

  configReloaded({ at, result, why }: ConfigReload): void {
    this.#add({ kind: 'reload', at, result, why });
  }

  #add(incident: Incident): void {
    this.#last += 1;
    const numbered = { number: this.#last, incident };
    this.#kept[(this.#last - 1) % this.#capacity] = numbered;
    this.#listener?.(numbered);
  }
}
