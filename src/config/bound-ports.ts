import { isIPv4 } from 'node:net';
import { isLoopback, isWildcard, withoutMapping } from './addresses.ts';
import type { Path } from './problem.ts';
import type { ListenAddress } from './settings.ts';

/** A listener, and where the configuration asks for it. */
export interface Listener {
  readonly path: Path;
  readonly address: ListenAddress;
}

const hostsOf = (host: string): readonly string[] =>
  host === 'localhost' ? ['127.0.0.1', '::1'] : [withoutMapping(host)];

/** The listeners of a configuration, found by what they bind: their number must not count when one is looked for. */
export class BoundPorts {
  /** By port and host; also by port and `any` or `any IPv4`, for the wildcards' sake. The first of each stays. */
  readonly #listeners = new Map<string, Listener>();

  /** The one that already has what the new one wants to bind; then the new one is not added. Port 0 never collides. */
  add(listener: Listener): Listener | undefined {
    const { host, port } = listener.address;
    if (port === 0) return undefined;
    const hosts = hostsOf(host);
    const taken = this.#first(port, hosts.flatMap(rivalsOf));
    if (taken !== undefined) return taken;
    for (const name of [...hosts, 'any', ...(hosts.some(isIPv4) ? ['any IPv4'] : [])]) {
      const id = `${port} ${name}`;
      if (!this.#listeners.has(id)) this.#listeners.set(id, listener);
    }
    return undefined;
  }

  /** The listener that dialling `host:port` would reach. A wildcard is reached by every loopback address. */
  reachedBy(host: string, port: number): Listener | undefined {
    if (port === 0) return undefined;
    // Dialling the unspecified address reaches the local machine.
    const dialled = isWildcard(host) ? ['127.0.0.1', '::1'] : hostsOf(host);
    const wildcards = dialled.some(isLoopback) || isWildcard(host) ? ['0.0.0.0', '::'] : [];
    return this.#first(port, [...dialled, ...wildcards]);
  }

  #first(port: number, names: readonly string[]): Listener | undefined {
    for (const name of names) {
      const listener = this.#listeners.get(`${port} ${name}`);
      if (listener !== undefined) return listener;
    }
    return undefined;
  }
}

/** Under which names there is a listener that cannot be bound beside one at this host. `::` takes IPv4 as well. */
const rivalsOf = (host: string): readonly string[] => {
  if (host === '::') return ['any'];
  if (host === '0.0.0.0') return ['any IPv4', '::'];
  return isIPv4(host) ? [host, '::', '0.0.0.0'] : [host, '::'];
};
