import type {
  BreakerOverride,
  BreakerTransition,
  Bus,
  DiscoveryChange,
  EndpointChange,
  EndpointSetChange,
  ExchangeEnded,
} from './events.ts';

/** Somebody who wants to hear some of what goes over the {@link EventBus}. */
export type BusListener = Partial<Bus>;

/**
 * Hands every event to everyone who asked for its kind. Who listens is settled when it is built, so that publishing is
 * a loop over an array. A listener that throws has a defect; the others and the request hear nothing of it.
 */
export class EventBus implements Bus {
  readonly #exchanges: readonly BusListener[];
  readonly #transitions: readonly BusListener[];
  readonly #overrides: readonly BusListener[];
  readonly #endpoints: readonly BusListener[];
  readonly #endpointSets: readonly BusListener[];
  readonly #discoveries: readonly BusListener[];
  #errors = 0;

  constructor(listeners: readonly BusListener[]) {
    this.#exchanges = listeners.filter((listener) => listener.exchangeEnded !== undefined);
    this.#transitions = listeners.filter((listener) => listener.breakerTransition !== undefined);
    this.#overrides = listeners.filter((listener) => listener.breakerOverridden !== undefined);
    this.#endpoints = listeners.filter((listener) => listener.endpointChanged !== undefined);
    this.#endpointSets = listeners.filter((listener) => listener.endpointSetChanged !== undefined);
    this.#discoveries = listeners.filter((listener) => listener.discoveryChanged !== undefined);
  }

  /** How often a listener threw. */
  get errors(): number {
    return this.#errors;
  }

  exchangeEnded(ended: ExchangeEnded): void {
    for (const listener of this.#exchanges) {
      try {
        listener.exchangeEnded?.(ended);
      } catch {
        this.#errors += 1;
      }
    }
  }

  breakerTransition(transition: BreakerTransition): void {
    for (const listener of this.#transitions) {
      try {
        listener.breakerTransition?.(transition);
      } catch {
        this.#errors += 1;
      }
    }
  }

  breakerOverridden(override: BreakerOverride): void {
    for (const listener of this.#overrides) {
      try {
        listener.breakerOverridden?.(override);
      } catch {
        this.#errors += 1;
      }
    }
  }

  endpointChanged(change: EndpointChange): void {
    for (const listener of this.#endpoints) {
      try {
        listener.endpointChanged?.(change);
      } catch {
        this.#errors += 1;
      }
    }
  }

  endpointSetChanged(change: EndpointSetChange): void {
    for (const listener of this.#endpointSets) {
      try {
        listener.endpointSetChanged?.(change);
      } catch {
        this.#errors += 1;
      }
    }
  }

  discoveryChanged(change: DiscoveryChange): void {
    for (const listener of this.#discoveries) {
      try {
        listener.discoveryChanged?.(change);
      } catch {
        this.#errors += 1;
      }
    }
  }
}
