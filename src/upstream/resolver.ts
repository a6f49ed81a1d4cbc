import type { Clock } from '../lib/clock.ts';
import { type Failure, failure } from '../policy/outcome.ts';
import { type IpLiteral, looksLikeNumericHost, parseIpLiteral } from './address-rules.ts';
import { DnsClient, type DnsSettings } from './dns-client.ts';
import { HostsFile } from './hosts-file.ts';

/** How long an answer is believed, whatever its records say. */
export const MIN_TTL_MS = 1000;
export const MAX_TTL_MS = 30_000;
/** How long a failure is remembered. */
const FAILURE_TTL_MS = 1000;
/** Names that are remembered; beyond that the oldest goes. */
const MAX_NAMES = 1024;

const localhost: readonly IpLiteral[] = [
  { host: '127.0.0.1', family: 4 },
  { host: '::1', family: 6 },
];

/** Hears how a lookup ended: exactly one call, unless it is cancelled before. */
export interface ResolveObserver {
  /** In the order in which they should be tried; never empty. `ttlMs`: 0–30,000, `Infinity` for what cannot change. */
  resolved(addresses: readonly IpLiteral[], ttlMs: number): void;
  failed(failure: Failure): void;
}

/** A lookup under way. */
export interface Lookup {
  /** After this the observer hears nothing. Harmless when it has heard already. */
  cancel(): void;
}

export interface ResolverOptions {
  readonly clock: Clock;
  /** Default `/etc/hosts`. */
  readonly hostsPath?: string;
  readonly dns?: DnsSettings;
  /**
   * True for an address and port where we listen ourselves: the hosts file may lead the app to us by such an entry, and
   * we must not follow it. Default: none is ours.
   */
  readonly isOwnListener?: (ip: string, port: number) => boolean;
}

interface Remembered {
  readonly addresses: readonly IpLiteral[];
  /** null: there are addresses. */
  readonly failure: Failure | null;
  readonly expiresAt: number;
}

class Waiting implements Lookup {
  #observer: ResolveObserver | null;

  constructor(observer: ResolveObserver) {
    this.#observer = observer;
  }

  cancel(): void {
    this.#observer = null;
  }

  settle(entry: Remembered, now: number): void {
    const observer = this.#observer;
    this.#observer = null;
    if (observer === null) return;
    if (entry.failure !== null) observer.failed(entry.failure);
    else observer.resolved(entry.addresses, Math.max(0, entry.expiresAt - now));
  }
}

/**
 * Names to addresses, in this order: IP literal, `localhost` (RFC 6761, 6.3: never asked for), hosts file, DNS. What
 * DNS says is cached by its time to live between 1 s and 30 s, failures for 1 s, and those who ask for a name at the
 * same time share one query. A query that nobody waits for any more runs on, for the next one.
 */
export class Resolver {
  readonly #clock: Clock;
  readonly #hosts: HostsFile;
  readonly #dns: DnsClient;
  readonly #isOwnListener: (ip: string, port: number) => boolean;
  readonly #remembered = new Map<string, Remembered>();
  readonly #pending = new Map<string, Waiting[]>();

  constructor(options: ResolverOptions) {
    this.#clock = options.clock;
    this.#hosts = new HostsFile(options.hostsPath ?? '/etc/hosts', options.clock);
    this.#dns = new DnsClient(options.dns);
    this.#isOwnListener = options.isOwnListener ?? (() => false);
  }

  /**
   * `name` without brackets; `port` only decides which entries of the hosts file lead back to us. Calls `observer`
   * before it returns for all but a query to the name servers.
   */
  resolve(name: string, port: number, observer: ResolveObserver): Lookup {
    const waiting = new Waiting(observer);
    const key = name.toLowerCase();
    const known = this.#known(key, port);
    if (known !== null) waiting.settle(known, this.#clock.now());
    else this.#join(key, waiting);
    return waiting;
  }

  /** Breaks off the queries under way. */
  close(): void {
    this.#pending.clear();
    this.#dns.close();
  }

  /** What can be said without asking anybody, or null. */
  #known(key: string, port: number): Remembered | null {
    const literal = parseIpLiteral(key);
    if (literal !== null) return always([literal]);
    if (looksLikeNumericHost(key)) return disguised;
    const bare = key.endsWith('.') ? key.slice(0, -1) : key;
    if (isLocalhost(bare)) return always(localhost);
    const now = this.#clock.now();
    const listed = this.#hosts.lookup(bare).filter(({ host }) => !this.#isOwnListener(host, port));
    if (listed.length > 0) return { addresses: listed, failure: null, expiresAt: now + MIN_TTL_MS };
    const remembered = this.#remembered.get(key);
    return remembered !== undefined && remembered.expiresAt > now ? remembered : null;
  }

  #join(key: string, waiting: Waiting): void {
    const others = this.#pending.get(key);
    if (others !== undefined) {
      others.push(waiting);
      return;
    }
    const all = [waiting];
    this.#pending.set(key, all);
    this.#dns.query(key, (result) => {
      if (this.#pending.get(key) !== all) return;
      this.#pending.delete(key);
      const now = this.#clock.now();
      const entry: Remembered =
        result.kind === 'answer'
          ? { addresses: result.addresses, failure: null, expiresAt: now + clampTtl(result.ttlMs) }
          : { addresses: [], failure: result, expiresAt: now + FAILURE_TTL_MS };
      this.#remember(key, entry);
      for (const one of all) one.settle(entry, now);
    });
  }

  #remember(key: string, entry: Remembered): void {
    this.#remembered.delete(key);
    this.#remembered.set(key, entry);
    if (this.#remembered.size <= MAX_NAMES) return;
    for (const oldest of this.#remembered.keys()) {
      this.#remembered.delete(oldest);
      return;
    }
  }
}

/** `localhost` and every name below it (RFC 6761, 6.3). `name` in lower case, without a dot at its end. */
export const isLocalhost = (name: string): boolean => name === 'localhost' || name.endsWith('.localhost');

/** A time to live within the bounds that we keep to, in ms. */
export const clampTtl = (ttlMs: number): number => Math.min(MAX_TTL_MS, Math.max(MIN_TTL_MS, ttlMs));

const always = (addresses: readonly IpLiteral[]): Remembered => ({
  addresses,
  failure: null,
  expiresAt: Number.POSITIVE_INFINITY,
});

const disguised: Remembered = {
  addresses: [],
  failure: failure('prohibited_address', true, 'address in disguise'),
  expiresAt: Number.POSITIVE_INFINITY,
};
