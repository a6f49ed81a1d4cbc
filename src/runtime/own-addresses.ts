import type { ListenAddress, Settings } from '../config/settings.ts';
import type { Authority } from '../http1/grammar.ts';
import { isOwnListener, type ListenerAddress } from '../upstream/address-rules.ts';
import { isLocalhost } from '../upstream/resolver.ts';

/**
 * Where we listen: no name and no request may lead back to us. Asked for each request to a destination that no upstream
 * names, so it is a list that is made when ports open and close.
 */
export class OwnAddresses {
  #all: readonly ListenerAddress[] = [];
  /** Nearly every question ends here. */
  #ports: ReadonlySet<number> = new Set();

  get all(): readonly ListenerAddress[] {
    return this.#all;
  }

  /** `bound`: what is open, with the ports that 0 stood for. What the settings want may be about to be opened. */
  update(settings: Settings, bound: readonly (ListenAddress | null)[]): void {
    this.#all = [...bound.filter((address) => address !== null), ...declaredPorts(settings)];
    this.#ports = new Set(this.#all.map(({ port }) => port));
  }

  includes({ host, port }: Authority): boolean {
    if (!this.#ports.has(port)) return false;
    if (!isLocalhost(host)) return isOwnListener(this.#all, host, port);
    return isOwnListener(this.#all, '127.0.0.1', port) || isOwnListener(this.#all, '::1', port);
  }
}

/** Every port that the settings name; those that the system is to choose are not known yet. */
const declaredPorts = ({ egress, admin, upstreams }: Settings): readonly ListenAddress[] =>
  [egress.address, admin.address, admin.probes, ...upstreams.map(({ listen }) => listen)].filter(
    (address): address is ListenAddress => address !== null && address.port !== 0,
  );
