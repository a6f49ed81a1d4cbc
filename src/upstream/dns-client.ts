import { Resolver as Cares } from 'node:dns';
import { readFileSync } from 'node:fs';
import type { Failure } from '../policy/outcome.ts';
import type { IpLiteral } from './address-rules.ts';
import { badName, dnsFault, isAbsence } from './faults.ts';

/** What the name servers know of a name. */
export interface DnsAnswer {
  readonly kind: 'answer';
  /** IPv4 first, each family in the order of its answer. Never empty. */
  readonly addresses: readonly IpLiteral[];
  /** The shortest of the records' times to live, in ms; may be 0. */
  readonly ttlMs: number;
}

/** How names are looked up; what is left out comes from resolv.conf(5). */
export interface DnsSettings {
  /** `ip` or `ip:port`. */
  readonly servers?: readonly string[];
  /** Domains that a name with few dots is looked for in. */
  readonly search?: readonly string[];
  /** A name with at least this many dots is first looked up as it stands. 0–15, default 1. */
  readonly ndots?: number;
  /** How long one server is waited for, in ms. Default 800. */
  readonly timeoutMs?: number;
  /** How often each server is asked. Default 2. */
  readonly tries?: number;
}

interface SearchRules {
  readonly search: readonly string[];
  readonly ndots: number;
}

type Result = DnsAnswer | Failure;

/** `search`, `domain` and `ndots` of resolv.conf(5). The name servers in it are read by c-ares itself. */
export const parseResolvConf = (text: string): SearchRules => {
  let search: string[] = [];
  let ndots = 1;
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line.trim().split(/\s+/);
    if (keyword === 'search' || keyword === 'domain') {
      search = values
        .map((domain) => domain.toLowerCase().replace(/\.$/, ''))
        .filter((domain) => domain !== '');
    }
    if (keyword !== 'options') continue;
    for (const option of values) {
      const match = /^ndots:(\d+)$/.exec(option);
      if (match !== null) ndots = Math.min(15, Number(match[1]));
    }
  }
  return { search, ndots };
};

/** The full names to ask for, in order. `name` is in lower case; a dot at its end means: this one and no other. */
export const searchNames = (name: string, rules: SearchRules): readonly string[] => {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const found = rules.search.map((domain) => `${name}.${domain}`);
  const dots = name.split('.').length - 1;
  return dots >= rules.ndots ? [name, ...found] : [...found, name];
};

const readResolvConf = (): SearchRules => {
  try {
    return parseResolvConf(readFileSync('/etc/resolv.conf', 'utf8'));
  } catch {
    return parseResolvConf('');
  }
};

/** A name that a server can be asked for: RFC 1035, 2.3.4 for the lengths; underscores occur, so they may. */
const isName = (name: string): boolean =>
  name.length <= 253 && name.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label));

/**
 * Asks the name servers, by c-ares on its own sockets: never through `getaddrinfo`, whose few blocking threads one dead
 * name server would hold for everybody. Knows neither cache nor hosts file.
 */
export class DnsClient {
  readonly #cares: Cares;
  readonly #rules: SearchRules;
  #isClosed = false;

  constructor(settings: DnsSettings = {}) {
    const file = readResolvConf();
    this.#rules = { search: settings.search ?? file.search, ndots: settings.ndots ?? file.ndots };
    this.#cares = new Cares({ timeout: settings.timeoutMs ?? 800, tries: settings.tries ?? 2 });
    if (settings.servers !== undefined) this.#cares.setServers(settings.servers);
  }

  /** Calls `done` exactly once, never before it returns, with at least one address or a failure. */
  query(name: string, done: (result: Result) => void): void {
    const names = searchNames(name, this.#rules).filter(isName);
    this.#search(names, 0, badName, done);
  }

  /** Breaks off what is under way: it fails, and so does whatever is asked afterwards. */
  close(): void {
    this.#isClosed = true;
    this.#cares.cancel();
  }

  /** Goes on where a name does not exist or its zone is broken, and stops where nobody answers: nobody will. */
  #search(names: readonly string[], index: number, worst: Failure, done: (result: Result) => void): void {
    const name = this.#isClosed ? undefined : names[index];
    if (name === undefined) {
      if (index === 0) queueMicrotask(() => done(worst));
      else done(worst);
      return;
    }
    this.#ask(name, (result) => {
      if (result.kind === 'answer' || result.reason === 'dns_timeout') return done(result);
      const isFirst = index === 0;
      this.#search(names, index + 1, isFirst || isAbsence(worst) ? result : worst, done);
    });
  }

  /** Both families at the same time. */
  #ask(name: string, done: (result: Result) => void): void {
    const addresses: IpLiteral[] = [];
    const failures: Failure[] = [];
    let ttlMs = Number.POSITIVE_INFINITY;
    let pending = 2;
    const settle = (
      family: 4 | 6,
      error: Error | null,
      records: readonly { address: string; ttl: number }[],
    ) => {
      if (error !== null) failures.push(dnsFault(error));
      for (const { address, ttl } of error === null ? records : []) {
        addresses.push({ host: address, family });
        ttlMs = Math.min(ttlMs, ttl * 1000);
      }
      pending -= 1;
      if (pending > 0) return;
      addresses.sort((one, other) => one.family - other.family);
      done(addresses.length > 0 ? { kind: 'answer', addresses, ttlMs } : gravest(failures));
    };
    this.#cares.resolve4(name, { ttl: true }, (error, records) => settle(4, error, records));
    this.#cares.resolve6(name, { ttl: true }, (error, records) => settle(6, error, records));
  }
}

/** Of the failures of two families: one that leaves the question open before one that answers it. */
const gravest = (failures: readonly Failure[]): Failure => {
  const open = failures.find((fault) => !isAbsence(fault));
  // The name exists when one family says so.
  const absent = failures.find((fault) => fault.detail === 'NODATA') ?? failures[0];
  return open ?? absent ?? dnsFault(null);
};
