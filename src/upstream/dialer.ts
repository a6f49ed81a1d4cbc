import { connect, type NetConnectOpts, type Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { type Expirable, Timeout } from '../lib/timeout-queue.ts';
import type { TimeoutQueues } from '../lib/timeout-queues.ts';
import { type Failure, failure } from '../policy/outcome.ts';
import type { UnlistedRules } from './address-rules.ts';
import { connectFault } from './faults.ts';
import type { Lookup, ResolvedAddress, ResolveObserver } from './lookup.ts';
import type { Resolver } from './resolver.ts';
import { SocketReads } from './socket-reads.ts';
import type { Address } from './sources.ts';

/** How long one address is waited for before the next is tried beside it (RFC 8305, section 5). */
const NEXT_ADDRESS_MS = 250;
/** Quiet time after which the kernel asks whether the peer still lives. */
const KEEP_ALIVE_PROBE_MS = 30_000;

/** Hears how a dial ended: exactly one call, unless it is cancelled before. */
export interface DialObserver {
  /**
   * A connected socket, from now on the observer's own: no listener of ours is left on it and nothing was read from it.
   * Listen before this returns; what is read comes to the listener of `reads`, not as `data`. `noDelay` and keep-alive
   * probes are on, and the peer's end does not end our side (`allowHalfOpen`): who gets it sees to that.
   */
  dialled(socket: Socket, reads: SocketReads): void;
  /** Nothing was sent, and no socket is left. */
  dialFailed(failure: Failure): void;
}

/** A dial under way. */
export interface Dial {
  /** Leaves no socket behind; after this the observer hears nothing. Harmless when it has heard already. */
  cancel(): void;
}

/** Opens connections: what a transport needs of a dialer. */
export interface Connector {
  /** `timeoutMs` (above 0, or `Infinity`) covers everything up to a connection that can be used. */
  dial(address: Address, timeoutMs: number, observer: DialObserver): Dial;
}

/** Begins to connect a socket. */
export type OpenSocket = (options: NetConnectOpts) => Socket;

export interface DialerOptions {
  readonly clock: Clock;
  /** Of the same clock. Dials share them, so that a blocked loop is not taken for an upstream that does not answer. */
  readonly timeouts: TimeoutQueues;
  readonly resolver: Pick<Resolver, 'resolve'>;
  /** null: every address may be dialled, for what the configuration names. */
  readonly rules: UnlistedRules | null;
  /** Opens a socket; default `net.connect`. See also {@link connectForStreams}. */
  readonly connect?: OpenSocket;
}

/**
 * Opens connections. A name is resolved here and once; the address that was judged is the one that is dialled. Several
 * addresses are tried in the order of RFC 8305: families in turn, the next one as soon as the one before has failed or
 * has kept us waiting for 250 ms; the first that answers wins and the others are dropped.
 */
export class Dialer implements Connector {
  readonly clock: Clock;
  readonly timeouts: TimeoutQueues;
  readonly resolver: Pick<Resolver, 'resolve'>;
  readonly rules: UnlistedRules | null;
  readonly connect: OpenSocket;

  constructor(options: DialerOptions) {
    this.clock = options.clock;
    this.timeouts = options.timeouts;
    this.resolver = options.resolver;
    this.rules = options.rules;
    this.connect = options.connect ?? connect;
  }

  /**
   * `timeoutMs` (above 0, or `Infinity`) covers resolving and connecting together: `dns_timeout` when it passes during
   * the first, `connect_timeout` during the second. `dialled` never comes before this returns; `dialFailed` does for
   * what is known at once: a prohibited address, and what the resolver need not ask for. `open` makes each socket.
   */
  dial(address: Address, timeoutMs: number, observer: DialObserver, open: OpenSocket = this.connect): Dial {
    const dial = new PendingDial(this, address, observer, open);
    dial.begin(timeoutMs);
    return dial;
  }
}

/** One socket that is connecting. */
interface Contender {
  readonly socket: Socket;
  readonly reads: SocketReads;
  readonly onConnect: () => void;
  readonly onError: (error: Error) => void;
}

class PendingDial implements Dial, ResolveObserver, Expirable {
  readonly #dialer: Dialer;
  readonly #address: Address;
  readonly #observer: DialObserver;
  readonly #openSocket: OpenSocket;
  #isDone = false;
  #isResolving = false;
  #lookup: Lookup | null = null;
  readonly #timeout = new Timeout(this);
  /** Until the next address; most have only one. */
  #patience: Timeout | null = null;
  #addresses: readonly ResolvedAddress[] = [];
  #tried = 0;
  readonly #contenders: Contender[] = [];
  /** Of the first address that failed: it was the preferred one. */
  #firstFailure: Failure | null = null;

  constructor(dialer: Dialer, address: Address, observer: DialObserver, open: OpenSocket) {
    this.#dialer = dialer;
    this.#address = address;
    this.#observer = observer;
    this.#openSocket = open;
  }

  begin(timeoutMs: number): void {
    const { clock, timeouts } = this.#dialer;
    timeouts.of(timeoutMs).arm(this.#timeout, clock.now());
    const address = this.#address;
    if (address.kind === 'unix') {
      if (this.#dialer.rules === null) this.#open({ path: address.path });
      else this.#fail(failure('prohibited_address', true, 'unix socket'));
    } else if (address.kind === 'ip') {
      this.resolved([{ host: address.host, family: address.host.includes(':') ? 6 : 4 }]);
    } else {
      this.#isResolving = true;
      const lookup = this.#dialer.resolver.resolve(address.host, address.port, this);
      if (this.#isResolving) this.#lookup = lookup;
    }
  }

  cancel(): void {
    this.#finish();
  }

  resolved(addresses: readonly ResolvedAddress[]): void {
    this.#isResolving = false;
    this.#addresses = interleaved(addresses.filter(({ host }) => this.#mayDial(host)));
    if (this.#addresses.length === 0) {
      this.#fail(this.#firstFailure ?? failure('prohibited_address', true));
      return;
    }
    this.#firstFailure = null;
    this.#tryNext();
  }

  failed(fault: Failure): void {
    this.#isResolving = false;
    this.#fail(fault);
  }

  expired(timeout: Timeout): void {
    if (timeout === this.#patience) this.#tryNext();
    else this.#fail(failure(this.#isResolving ? 'dns_timeout' : 'connect_timeout', true));
  }

  #mayDial(host: string): boolean {
    if (this.#address.kind === 'unix' || this.#dialer.rules === null) return true;
    const prohibition = this.#dialer.rules.check(host, this.#address.port);
    if (prohibition === null) return true;
    this.#firstFailure ??= failure('prohibited_address', true, prohibition);
    return false;
  }

  #tryNext(): void {
    const next = this.#addresses[this.#tried];
    if (next === undefined || this.#address.kind === 'unix') return;
    this.#tried += 1;
    this.#patience?.disarm();
    if (this.#tried < this.#addresses.length) {
      const { clock, timeouts } = this.#dialer;
      this.#patience ??= new Timeout(this);
      timeouts.of(NEXT_ADDRESS_MS).arm(this.#patience, clock.now());
    }
    this.#open({ host: next.host, port: next.port ?? this.#address.port, family: next.family });
  }

  #open(where: NetConnectOpts): void {
    const reads = new SocketReads();
    const socket = this.#openSocket({
      ...where,
      onread: reads.onread,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
    });
    const contender: Contender = {
      socket,
      reads,
      onConnect: () => this.#connected(contender),
      onError: (error) => this.#contenderFailed(contender, error),
    };
    this.#contenders.push(contender);
    socket.on('connect', contender.onConnect);
    socket.on('error', contender.onError);
  }

  #connected(contender: Contender): void {
    this.#release(contender);
    this.#finish();
    this.#observer.dialled(contender.socket, contender.reads);
  }

  #contenderFailed(contender: Contender, error: Error): void {
    this.#release(contender);
    contender.socket.destroy();
    this.#firstFailure ??= connectFault(error);
    if (this.#tried < this.#addresses.length) this.#tryNext();
    else if (this.#contenders.length === 0) this.#fail(this.#firstFailure);
  }

  #fail(fault: Failure): void {
    if (this.#isDone) return;
    this.#finish();
    this.#observer.dialFailed(fault);
  }

  /** Ends everything that is still under way. */
  #finish(): void {
    this.#isDone = true;
    this.#lookup?.cancel();
    this.#timeout.disarm();
    this.#patience?.disarm();
    for (const contender of this.#contenders.slice()) {
      this.#release(contender);
      // It may have failed already without having said so: an error event that nobody hears would end the process.
      contender.socket.on('error', ignore);
      contender.socket.destroy();
    }
  }

  #release(contender: Contender): void {
    this.#contenders.splice(this.#contenders.indexOf(contender), 1);
    contender.socket.off('connect', contender.onConnect);
    contender.socket.off('error', contender.onError);
  }
}

const ignore = (): void => {};

/** For who reads the socket as a stream: then nothing comes to `reads`. */
export const withoutReads = (options: NetConnectOpts): NetConnectOpts => {
  const plain = { ...options };
  delete plain.onread;
  return plain;
};

/** `net.connect` for who reads its sockets as streams. */
export const connectForStreams = (options: NetConnectOpts): Socket => connect(withoutReads(options));

/** Families in turn, beginning with that of the first address; the order within each stays (RFC 8305, section 4). */
const interleaved = (addresses: readonly ResolvedAddress[]): readonly ResolvedAddress[] => {
  const first = addresses.filter(({ family }) => family === addresses[0]!.family);
  const other = addresses.filter(({ family }) => family !== addresses[0]!.family);
  const ordered: ResolvedAddress[] = [];
  for (let index = 0; index < Math.max(first.length, other.length); index += 1) {
    for (const address of [first[index], other[index]]) if (address !== undefined) ordered.push(address);
  }
  return ordered;
};
