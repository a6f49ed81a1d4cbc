import { Resolver as Cares } from 'node:dns';
import type { Clock, Timer } from '../lib/clock.ts';
import type { Failure } from '../policy/outcome.ts';
import type { IpLiteral } from './address-rules.ts';
import { badName, dnsFault, gravest, isAbsence, noRecords } from './faults.ts';
import { parseResolvConf, type ResolvConf, searchNames } from './resolv-conf.ts';
import { WatchedFile } from './watched-file.ts';

/** How long the second family of addresses is waited for when the first has settled it (RFC 8305, section 3). */
const SECOND_FAMILY_MS = 50;

/** What the name servers know of a name. */
export interface DnsAnswer {
  readonly kind: 'answer';
  /** IPv4 first, each family in the order of its answer, each address once. Never empty. */
  readonly addresses: readonly IpLiteral[];
  /** The shortest of the records' times to live, in ms; may be 0. */
  readonly ttlMs: number;
}

/** One record of a service (SRV, RFC 2782). Its weight is not used: decision 0018. */
export interface ServiceRecord {
  /** The lowest goes first. */
  readonly priority: number;
  /** 1–65535. */
  readonly port: number;
  /** In lower case, without a dot at its end. It is complete: never to be searched for. */
  readonly target: string;
}

export interface ServiceAnswer {
  readonly kind: 'answer';
  /** In the order of the answer. Never empty. */
  readonly records: readonly ServiceRecord[];
}

/** Hears of the addresses of a name. */
export interface DnsObserver {
  /** One family has addresses, and the other has not answered for 50 ms more. At most once, and before `ended`. */
  firstFamily(answer: DnsAnswer): void;
  /** Exactly once: everything that will be known. */
  ended(result: DnsAnswer | Failure): void;
}

/** How names are looked up; what is left out comes from resolv.conf(5). */
export interface DnsSettings {
  /** Default `/etc/resolv.conf`. Its changes are followed. */
  readonly resolvConfPath?: string;
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

/** A name that a server can be asked for: RFC 1035, 2.3.4 for the lengths; underscores occur, so they may. */
const isName = (name: string): boolean =>
  name.length <= 253 && name.split('.').every((label) => /^[a-z0-9_-]{1,63}$/.test(label));

type Done<Answer> = (result: Answer | Failure) => void;
type Ask<Answer> = (name: string, done: Done<Answer>) => void;

/**
 * Asks the name servers, by c-ares on its own sockets: never through `getaddrinfo`, whose few blocking threads one dead
 * name server would hold for everybody. Knows neither cache nor hosts file.
 */
export class DnsClient {
  readonly #settings: DnsSettings;
  readonly #clock: Clock;
  readonly #file: WatchedFile<ResolvConf>;
  /** What `#cares` was made for. */
  #conf: ResolvConf;
  #cares: Cares;
  /** The one before it: queries that were under way when the name servers changed end there. */
  #formerCares: Cares | null = null;
  #isClosed = false;

  constructor(settings: DnsSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
    this.#file = new WatchedFile(settings.resolvConfPath ?? '/etc/resolv.conf', clock, parseResolvConf);
    this.#conf = this.#file.content;
    this.#cares = this.#newCares();
  }

  /** Asks for both families at the same time. The observer hears nothing before this returns. */
  query(name: string, observer: DnsObserver): void {
    this.#start<DnsAnswer>(
      name,
      (fullName, done) => this.#askAddresses(fullName, observer, done),
      (result) => observer.ended(result),
    );
  }

  /** Asks where a service runs. Calls `done` exactly once, never before it returns. */
  queryService(name: string, done: Done<ServiceAnswer>): void {
    this.#start<ServiceAnswer>(name, (fullName, answered) => this.#askService(fullName, answered), done);
  }

  /** Breaks off what is under way: it fails, and so does whatever is asked afterwards. */
  close(): void {
    this.#isClosed = true;
    this.#formerCares?.cancel();
    this.#cares.cancel();
  }

  #newCares(): Cares {
    const { servers, timeoutMs = 800, tries = 2 } = this.#settings;
    const cares = new Cares({ timeout: timeoutMs, tries });
    const chosen = servers ?? this.#conf.servers;
    // The zone of a link-local name server gets lost on the way in; c-ares, which reads the file itself, has it.
    if (chosen.length > 0 && !chosen.some((server) => server.includes('%'))) cares.setServers(chosen);
    return cares;
  }

  /** Container platforms rewrite the file, some in place: one without name servers is half of one, and passed by. */
  #followFile(): void {
    const conf = this.#file.content;
    if (conf === this.#conf || (conf.servers.length === 0 && this.#conf.servers.length > 0)) return;
    this.#conf = conf;
    this.#formerCares = this.#cares;
    this.#cares = this.#newCares();
  }

  #start<Answer extends { readonly kind: 'answer' }>(
    name: string,
    ask: Ask<Answer>,
    done: Done<Answer>,
  ): void {
    if (!this.#isClosed) this.#followFile();
    const { search = this.#conf.search, ndots = this.#conf.ndots } = this.#settings;
    const names = this.#isClosed ? [] : searchNames(name, { search, ndots }).filter(isName);
    if (names.length === 0) queueMicrotask(() => done(badName));
    else this.#search(names, 0, badName, ask, done);
  }

  /** Goes on where a name does not exist or its zone is broken, and stops where nobody answers: nobody will. */
  #search<Answer extends { readonly kind: 'answer' }>(
    names: readonly string[],
    index: number,
    worst: Failure,
    ask: Ask<Answer>,
    done: Done<Answer>,
  ): void {
    const name = this.#isClosed ? undefined : names[index];
    if (name === undefined) {
      done(worst);
      return;
    }
    ask(name, (result) => {
      const isFirst = index === 0;
      if (result.kind === 'answer' || result.reason === 'dns_timeout') done(result);
      else this.#search(names, index + 1, isFirst || isAbsence(worst) ? result : worst, ask, done);
    });
  }

  #askAddresses(name: string, observer: DnsObserver, done: Done<DnsAnswer>): void {
    const both = new BothFamilies(this.#clock, observer, done);
    this.#cares.resolve4(name, { ttl: true }, (error, records) => both.answered(4, error, records));
    this.#cares.resolve6(name, { ttl: true }, (error, records) => both.answered(6, error, records));
  }

  #askService(name: string, done: Done<ServiceAnswer>): void {
    this.#cares.resolveSrv(name, (error, found) => {
      if (error !== null) {
        done(dnsFault(error));
        return;
      }
      const records = found
        .map(({ priority, port, name: target }) => ({ priority, port, target: target.toLowerCase() }))
        // The root as the target says that there is no such service here.
        .filter(({ port, target }) => port > 0 && isName(target));
      done(records.length > 0 ? { kind: 'answer', records } : noRecords);
    });
  }
}

/** The two questions of one name. */
class BothFamilies {
  readonly #clock: Clock;
  readonly #observer: DnsObserver;
  readonly #done: Done<DnsAnswer>;
  readonly #addresses = new Map<string, IpLiteral>();
  readonly #failures: Failure[] = [];
  #ttlMs = Number.POSITIVE_INFINITY;
  #unanswered = 2;
  #isEnded = false;
  #patience: Timer | null = null;

  constructor(clock: Clock, observer: DnsObserver, done: Done<DnsAnswer>) {
    this.#clock = clock;
    this.#observer = observer;
    this.#done = done;
  }

  answered(
    family: 4 | 6,
    error: Error | null,
    records: readonly { readonly address: string; readonly ttl: number }[],
  ): void {
    this.#unanswered -= 1;
    const fault = error === null ? null : dnsFault(error);
    if (fault !== null) this.#failures.push(fault);
    for (const { address, ttl } of fault === null ? records : []) {
      this.#addresses.set(address, { host: address, family });
      this.#ttlMs = Math.min(this.#ttlMs, ttl * 1000);
    }
    if (this.#unanswered === 0) {
      this.#end();
    } else if (this.#addresses.size > 0) {
      this.#patience = this.#clock.after(SECOND_FAMILY_MS, () => this.#observer.firstFamily(this.#answer()));
    } else if (family === 4 && fault?.detail === 'NXDOMAIN') {
      // The name does not exist, so that no family of it does (RFC 8020): or else no search would get past the first
      // domain where AAAA is never answered. Of AAAA alone that is not believed: some servers say it of every name.
      this.#patience = this.#clock.after(SECOND_FAMILY_MS, () => this.#end());
    }
  }

  #end(): void {
    this.#patience?.cancel();
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#done(this.#addresses.size > 0 ? this.#answer() : gravest(this.#failures));
  }

  #answer(): DnsAnswer {
    const addresses = [...this.#addresses.values()].sort((one, other) => one.family - other.family);
    return { kind: 'answer', addresses, ttlMs: this.#ttlMs };
  }
}
