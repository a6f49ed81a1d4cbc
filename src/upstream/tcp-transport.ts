import type { Socket } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import type { Failure, Outcome } from '../policy/outcome.ts';
import type { Connector, Dial, DialObserver } from './dialer.ts';
import type { Endpoint } from './endpoint.ts';
import { dialOutcome } from './faults.ts';
import type { SocketReads } from './socket-reads.ts';
import type { Attempt, OutgoingRequest, ResponseSink, Transport } from './transport.ts';

export interface TcpTransportOptions {
  readonly clock: Clock;
  readonly dialer: Connector;
}

/** Attempts that want no more than a connection: each opens one of its own, and nothing is sent on it here. */
export class TcpTransport implements Transport {
  readonly #options: TcpTransportOptions;

  constructor(options: TcpTransportOptions) {
    this.#options = options;
  }

  prepare(endpoint: Endpoint, request: OutgoingRequest, sink: ResponseSink): Attempt {
    return new TcpAttempt(this.#options, endpoint, request.connectTimeoutMs, sink);
  }
}

class TcpAttempt implements Attempt, DialObserver {
  readonly #options: TcpTransportOptions;
  readonly #endpoint: Endpoint;
  readonly #connectTimeoutMs: number;
  readonly #sink: ResponseSink;
  #dial: Dial | null = null;
  #startedAt = 0;
  #isOver = false;

  constructor(
    options: TcpTransportOptions,
    endpoint: Endpoint,
    connectTimeoutMs: number,
    sink: ResponseSink,
  ) {
    this.#options = options;
    this.#endpoint = endpoint;
    this.#connectTimeoutMs = connectTimeoutMs;
    this.#sink = sink;
  }

  start(): void {
    const { clock, dialer } = this.#options;
    this.#startedAt = clock.now();
    const dial = dialer.dial(this.#endpoint.address, this.#connectTimeoutMs, this);
    // It may have failed already.
    if (!this.#isOver) this.#dial = dial;
  }

  pause(): void {}

  resume(): void {}

  abort(outcome: Outcome): void {
    if (this.#isOver) return;
    this.#dial?.cancel();
    // Whatever ended it, nothing was sent.
    this.#end(outcome.kind === 'failure' ? { ...outcome, isUnsent: true } : outcome);
  }

  discard(): void {
    this.#isOver = true;
    this.#dial?.cancel();
  }

  dialled(socket: Socket, reads: SocketReads): void {
    this.#isOver = true;
    this.#sink.connected(this.#options.clock.now() - this.#startedAt);
    this.#sink.switched(null, {
      socket,
      early: null,
      listen: (listener) => {
        reads.listener = listener;
      },
    });
  }

  dialFailed(failure: Failure): void {
    this.#end(dialOutcome(failure));
  }

  #end(outcome: Outcome): void {
    this.#isOver = true;
    this.#sink.end(outcome, '');
  }
}
