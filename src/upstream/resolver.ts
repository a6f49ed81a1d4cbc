import type { Clock } from '../lib/clock.ts';
import { type Failure, failure } from '../policy/outcome.ts';
import { type IpLiteral, looksLikeNumericHost, parseIpLiteral } from './address-rules.ts';
import { type DnsAnswer, DnsClient, type DnsSettings } from './dns-client.ts';
import { HostsFile } from './hosts-file.ts';
import type { Lookup, Patience, ResolvedAddress, ResolveObserver } from './lookup.ts';
import { type ServiceAddresses, ServiceLookups } from './service-lookup.ts';

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
  readonly addresses: readonly ResolvedAddress[];
  /** null: there are addresses. */
  readonly failure: Failure | null;
  readonly expiresAt: number;
}

class Waiting implements Lookup {
  readonly patience: Patience;
  #observer: ResolveObserver | null;

  constructor(observer: ResolveObserver, patience: Patience) {
    this.#observer = observer;
    this.patience = patience;
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

type Answer = DnsAnswer | ServiceAddresses;

/** A query under way, and those who wait for it. */
interface Pending {
  readonly waiting: Waiting[];
  /** What is enough for the brief: one family, while the other keeps us waiting. */
  firstFamily: Remembered | null;
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
  readonly #services: ServiceLookups;
  readonly #isOwnListener: (ip: string, port: number) => boolean;
  readonly #remembered = new Map<string, Remembered>();
  readonly #pending = new Map<string, Pending>();

  constructor(options: ResolverOptions) {
    this.#clock = options.clock;
    this.#hosts = new HostsFile(options.hostsPath ?? '/etc/hosts', options.clock);
    this.#dns = new DnsClient(options.dns ?? {}, options.clock);
    this.#services = new ServiceLookups({
      dns: this.#dns,
      resolveTarget: (target, port, observer) => this.resolve(target, port, observer, 'thorough'),
    });
    this.#isOwnListener = options.isOwnListener ?? (() => false);
  }

  /**
   * `name` without brackets; `port` only decides which entries of the hosts file lead back to us; 0: `name` is a service
   * (`_service._proto.name`), whose records say the port. Calls `observer` before it returns for all but a query to the
   * name servers.
   */
  resolve(name: string, port: number, observer: ResolveObserver, patience: Patience = 'brief'): Lookup {
    const waiting = new Waiting(observer, patience);
    const key = name.toLowerCase();
    if (port === 0) this.#resolveService(key, waiting);
    else this.#resolveName(key, port, waiting);
    return waiting;
  }

  /** Breaks off the queries under way. */
  close(): void {
    this.#pending.clear();
    this.#dns.close();
  }

  #resolveName(key: string, port: number, waiting: Waiting): void {
    const known = this.#known(key, port) ?? this.#recall(key);
    if (known !== null) {
      waiting.settle(known, this.#clock.now());
      return;
    }
    const pending = this.#join(key, waiting);
    if (pending === null) return;
    this.#dns.query(key, {
      firstFamily: (answer) => this.#firstFamily(key, pending, answer),
      ended: (result) => this.#ended(key, pending, result),
    });
  }

  #resolveService(name: string, waiting: Waiting): void {
    // The name may have addresses too: what is kept of them is another thing.
    const key = `SRV ${name}`;
    const known = this.#recall(key);
    if (known !== null) {
      waiting.settle(known, this.#clock.now());
      return;
    }
    const pending = this.#join(key, waiting);
    if (pending !== null) this.#services.query(name, (result) => this.#ended(key, pending, result));
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
    return listed.length > 0 ? { addresses: listed, failure: null, expiresAt: now + MIN_TTL_MS } : null;
  }

  #recall(key: string): Remembered | null {
    const remembered = this.#remembered.get(key);
    return remembered !== undefined && remembered.expiresAt > this.#clock.now() ? remembered : null;
  }

  /** Waits for the query that is under way; where there is none, the new one, which is the caller's to send. */
  #join(key: string, waiting: Waiting): Pending | null {
    const others = this.#pending.get(key);
    if (others === undefined) {
      const pending: Pending = { waiting: [waiting], firstFamily: null };
      this.#pending.set(key, pending);
      return pending;
    }
    if (others.firstFamily !== null && waiting.patience === 'brief') {
      waiting.settle(others.firstFamily, this.#clock.now());
    } else others.waiting.push(waiting);
    return null;
  }

  #firstFamily(key: string, pending: Pending, answer: Answer): void {
    if (this.#pending.get(key) !== pending) return;
    const entry = this.#entryOf(answer);
    pending.firstFamily = entry;
    for (const one of pending.waiting) if (one.patience === 'brief') one.settle(entry, this.#clock.now());
  }

  #ended(key: string, pending: Pending, result: Answer | Failure): void {
    if (this.#pending.get(key) !== pending) return;
    this.#pending.delete(key);
    const entry = this.#entryOf(result);
    this.#remember(key, entry);
    for (const one of pending.waiting) one.settle(entry, this.#clock.now());
  }

  #entryOf(result: Answer | Failure): Remembered {
    const now = this.#clock.now();
    return result.kind === 'answer'
      ? { addresses: result.addresses, failure: null, expiresAt: now + clampTtl(result.ttlMs) }
      : { addresses: [], failure: result, expiresAt: now + FAILURE_TTL_MS };
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
