import type {
  BreakerOverride,
  BreakerTransition,
  Bus,
  ConfigReload,
  DiscoveryChange,
  EndpointChange,
  EndpointSetChange,
  ExchangeEnded,
  TlsFilesChange,
} from './events.ts';

/** Somebody who wants to hear some of what goes over the {@link EventBus}. */
export type BusListener = Partial<Bus>;

/**
 * Hands every event to everyone who asked for its kind. Who listens is settled beforehand, so that publishing is a loop
 * over an array. A listener that throws has a defect; the others and the request hear nothing of it.
 */
export class EventBus implements Bus {
  #exchanges: readonly BusListener[] = [];
  #transitions: readonly BusListener[] = [];
  #overrides: readonly BusListener[] = [];
  #endpoints: readonly BusListener[] = [];
  #endpointSets: readonly BusListener[] = [];
  #discoveries: readonly BusListener[] = [];
  #tlsFiles: readonly BusListener[] = [];
  #reloads: readonly BusListener[] = [];
  #errors = 0;

  constructor(listeners: readonly BusListener[]) {
    this.listeners = listeners;
  }

  /** Who hears of everything from now on. */
  set listeners(listeners: readonly BusListener[]) {
    this.#exchanges = listeners.filter((listener) => listener.exchangeEnded !== undefined);
    this.#transitions = listeners.filter((listener) => listener.breakerTransition !== undefined);
    this.#overrides = listeners.filter((listener) => listener.breakerOverridden !== undefined);
    this.#endpoints = listeners.filter((listener) => listener.endpointChanged !== undefined);
    this.#endpointSets = listeners.filter((listener) => listener.endpointSetChanged !== undefined);
    this.#discoveries = listeners.filter((listener) => listener.discoveryChanged !== undefined);
    this.#tlsFiles = listeners.filter((listener) => listener.tlsFilesChanged !== undefined);
    this.#reloads = listeners.filter((listener) => listener.configReloaded !== undefined);
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
    this.#tell(this.#transitions, (listener) => listener.breakerTransition?.(transition));
  }

  breakerOverridden(override: BreakerOverride): void {
    this.#tell(this.#overrides, (listener) => listener.breakerOverridden?.(override));
  }

  endpointChanged(change: EndpointChange): void {
    this.#tell(this.#endpoints, (listener) => listener.endpointChanged?.(change));
  }

  endpointSetChanged(change: EndpointSetChange): void {
    this.#tell(this.#endpointSets, (listener) => listener.endpointSetChanged?.(change));
  }

  discoveryChanged(change: DiscoveryChange): void {
    this.#tell(this.#discoveries, (listener) => listener.discoveryChanged?.(change));
  }

  tlsFilesChanged(change: TlsFilesChange): void {
    this.#tell(this.#tlsFiles, (listener) => listener.tlsFilesChanged?.(change));
  }

  configReloaded(reload: ConfigReload): void {
    this.#tell(this.#reloads, (listener) => listener.configReloaded?.(reload));
  }

  #tell(listeners: readonly BusListener[], tell: (listener: BusListener) => void): void {
    for (const listener of listeners) {
      try {
        tell(listener);
      } catch {
        this.#errors += 1;
      }
    }
  }
}
