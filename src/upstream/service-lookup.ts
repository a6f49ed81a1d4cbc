import type { Failure } from '../policy/outcome.ts';
import type { IpLiteral } from './address-rules.ts';
import type { DnsClient, ServiceRecord } from './dns-client.ts';
import { gravest, isAbsence } from './faults.ts';
import type { ResolvedAddress, ResolveObserver } from './lookup.ts';

/** Where a service runs. */
export interface ServiceAddresses {
  readonly kind: 'answer';
  /** In the order of the records, each with its record's port. Never empty. */
  readonly addresses: readonly ResolvedAddress[];
  /** The shortest time to live of the targets' addresses, in ms. */
  readonly ttlMs: number;
}

/** More questions than this at once, and a name server's socket overflows: what is lost costs a timeout. */
const TARGETS_AT_A_TIME = 16;

type Done = (result: ServiceAddresses | Failure) => void;

export interface ServiceLookupsOptions {
  readonly dns: Pick<DnsClient, 'queryService'>;
  /** Resolves a target by its full name, both families. */
  readonly resolveTarget: (target: string, port: number, observer: ResolveObserver) => void;
}

/**
 * Service names to addresses with ports (RFC 2782): the records' targets of the lowest priority that has any address;
 * the weights are not used (decision 0018). A target whose name servers fail stands with the addresses that it had,
 * while others are known anew: a bad second of DNS must not shrink two hundred endpoints to three.
 */
export class ServiceLookups {
  readonly #options: ServiceLookupsOptions;
  /** By service, the addresses by target, of the last answer. Only declared names are services: no need for a bound. */
  readonly #lastKnown = new Map<string, ReadonlyMap<string, readonly IpLiteral[]>>();

  constructor(options: ServiceLookupsOptions) {
    this.#options = options;
  }

  /** Calls `done` exactly once, never before it returns. */
  query(service: string, done: Done): void {
    this.#options.dns.queryService(service, (result) => {
      if (result.kind !== 'answer') {
        done(result);
        return;
      }
      const priorities = [...new Set(result.records.map(({ priority }) => priority))].sort((a, b) => a - b);
      const groups = priorities.map((each) => result.records.filter(({ priority }) => priority === each));
      this.#tryGroup(service, groups, 0, [], done);
    });
  }

  #tryGroup(
    service: string,
    groups: readonly (readonly ServiceRecord[])[],
    index: number,
    failures: readonly Failure[],
    done: Done,
  ): void {
    const group = groups[index];
    if (group === undefined) {
      done(gravest(failures));
      return;
    }
    const targets = new Targets(group, this.#lastKnown.get(service));
    targets.resolve(this.#options.resolveTarget, () => {
      if (targets.isKnownAnew) {
        this.#lastKnown.set(service, targets.addressesByTarget);
        done({ kind: 'answer', addresses: targets.addresses(), ttlMs: targets.ttlMs });
      } else this.#tryGroup(service, groups, index + 1, [...failures, ...targets.failures], done);
    });
  }
}

/** The targets of one priority. */
class Targets {
  readonly #records: readonly ServiceRecord[];
  readonly #before: ReadonlyMap<string, readonly IpLiteral[]> | undefined;
  readonly addressesByTarget = new Map<string, readonly IpLiteral[]>();
  readonly failures: Failure[] = [];
  ttlMs = Number.POSITIVE_INFINITY;
  /** True when at least one of them has addresses that are no memory. */
  isKnownAnew = false;

  constructor(
    records: readonly ServiceRecord[],
    before: ReadonlyMap<string, readonly IpLiteral[]> | undefined,
  ) {
    this.#records = records;
    this.#before = before;
  }

  /** Calls `done` once, when all of them are settled. */
  resolve(resolveTarget: ServiceLookupsOptions['resolveTarget'], done: () => void): void {
    let begun = 0;
    let running = 0;
    let isBeginning = false;
    const begin = (): void => {
      // What is known already is settled at once: this loop goes on then, not a deeper one.
      if (isBeginning) return;
      isBeginning = true;
      while (running < TARGETS_AT_A_TIME && begun < this.#records.length) {
        const { target, port } = this.#records[begun]!;
        begun += 1;
        running += 1;
        resolveTarget(`${target}.`, port, this.#observerOf(target, settled));
      }
      isBeginning = false;
      if (running === 0) done();
    };
    const settled = (): void => {
      running -= 1;
      begin();
    };
    begin();
  }

  #observerOf(target: string, settled: () => void): ResolveObserver {
    return {
      resolved: (addresses, ttlMs) => {
        this.isKnownAnew = true;
        this.addressesByTarget.set(target, addresses);
        this.ttlMs = Math.min(this.ttlMs, ttlMs);
        settled();
      },
      failed: (fault) => {
        const before = this.#before?.get(target);
        if (before !== undefined && !isAbsence(fault)) this.addressesByTarget.set(target, before);
        this.failures.push(fault);
        settled();
      },
    };
  }

  addresses(): readonly ResolvedAddress[] {
    return this.#records.flatMap(({ target, port }) =>
      (this.addressesByTarget.get(target) ?? []).map((address) => ({ ...address, port })),
    );
  }
}
