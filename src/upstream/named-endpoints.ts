import { parseIpLiteral } from './address-rules.ts';
import { Endpoint } from './endpoint.ts';

/** Destinations of one upstream that are remembered at the same time. */
const MAX_ENDPOINTS = 64;

/** What the app named: `host` without brackets, a name or an IP literal. */
export interface Authority {
  readonly host: string;
  readonly port: number;
}

export interface NamedEndpointsObserver {
  endpointAdded(endpoint: Endpoint): void;
  endpointRemoved(endpoint: Endpoint): void;
}

/**
 * Endpoints that come into being when the app names them: one for each authority, at most 64. Beyond that the one that
 * was idle for longest makes room; an endpoint with an attempt in flight never does.
 */
export class NamedEndpoints {
  readonly #observer: NamedEndpointsObserver;
  /** In the order of their last use. */
  readonly #endpoints = new Map<string, Endpoint>();
  /** Of the last use: an app mostly names the same authority again, and then nothing is built or moved. */
  #lastHost = '';
  #lastPort = 0;
  #last: Endpoint | null = null;

  constructor(observer: NamedEndpointsObserver) {
    this.#observer = observer;
  }

  /** null: there are as many as there may be, and all are in use. */
  get(authority: Authority): Endpoint | null {
    if (this.#last !== null && authority.port === this.#lastPort && authority.host === this.#lastHost) {
      return this.#last;
    }
    const host = authority.host.toLowerCase();
    const key = `${host} ${authority.port}`;
    const endpoint = this.#endpoints.get(key) ?? this.#add(host, authority.port);
    if (endpoint === null) return null;
    this.#endpoints.delete(key);
    this.#endpoints.set(key, endpoint);
    this.#lastHost = authority.host;
    this.#lastPort = authority.port;
    this.#last = endpoint;
    return endpoint;
  }

  #add(host: string, port: number): Endpoint | null {
    if (this.#endpoints.size >= MAX_ENDPOINTS && !this.#dropIdle()) return null;
    const literal = parseIpLiteral(host);
    const endpoint = new Endpoint(
      literal === null ? { kind: 'name', host, port } : { kind: 'ip', host: literal.host, port },
    );
    this.#observer.endpointAdded(endpoint);
    return endpoint;
  }

  #dropIdle(): boolean {
    for (const [key, endpoint] of this.#endpoints) {
      if (endpoint.inFlight > 0) continue;
      this.#endpoints.delete(key);
      this.#observer.endpointRemoved(endpoint);
      return true;
    }
    return false;
  }
}
