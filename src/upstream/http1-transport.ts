import type { Socket } from 'node:net';
import { ClientConnection } from '../http1/client-connection.ts';
import { ClientPool, type PoolWaiter } from '../http1/client-pool.ts';
import type { ClientBounds } from '../http1/limits.ts';
import type { ResponseHead } from '../http1/response-head.ts';
import type { OpenConnection, ResponseObserver, WireFault } from '../http1/response-observer.ts';
import type { Clock } from '../lib/clock.ts';
import { type Failure, type Outcome, rejected, success } from '../policy/outcome.ts';
import type { Connector, Dial, DialObserver } from './dialer.ts';
import type { Endpoint } from './endpoint.ts';
import { dialOutcome, unprovenEnd, wireFault } from './faults.ts';
import type { SocketReads } from './socket-reads.ts';
import type { PoolSettings } from './sources.ts';
import type { Attempt, OutgoingRequest, ResponseSink, Transport } from './transport.ts';

export interface Http1TransportOptions {
  readonly clock: Clock;
  readonly dialer: Connector;
  readonly pool: PoolSettings;
  readonly bounds: ClientBounds;
}

/** Attempts over our own HTTP/1.1 wire, on kept connections where there are some. */
export class Http1Transport implements Transport {
  readonly #options: Http1TransportOptions;

  constructor(options: Http1TransportOptions) {
    this.#options = options;
  }

  prepare(endpoint: Endpoint, request: OutgoingRequest, sink: ResponseSink): Attempt {
    return new Http1Attempt(this.#options, this.#poolOf(endpoint), endpoint, request, sink);
  }

  #poolOf(endpoint: Endpoint): ClientPool {
    if (endpoint.connections instanceof ClientPool) return endpoint.connections;
    const { clock, pool } = this.#options;
    const created = new ClientPool(clock, {
      connections: pool.connectionsPerEndpoint,
      maxIdle: pool.maxIdle,
      idleMs: pool.idleMs,
    });
    endpoint.connections = created;
    // Who began before its removal comes for the first time: nobody will close what is kept.
    if (endpoint.isRemoved) created.close();
    return created;
  }
}

class Http1Attempt implements Attempt, ResponseObserver, DialObserver, PoolWaiter {
  readonly #options: Http1TransportOptions;
  readonly #pool: ClientPool;
  readonly #endpoint: Endpoint;
  readonly #request: OutgoingRequest;
  readonly #sink: ResponseSink;
  #connection: ClientConnection | null = null;
  #dial: Dial | null = null;
  #isWaiting = false;
  #isReused = false;
  /** True after a kept connection turned out to be dead: then only a new one will do, once. */
  #mustBeFresh = false;
  #dialledAt = 0;
  #status = 0;
  /** True for an answer that lasts until its TLS connection ends: Node does not tell a close_notify from a cut. */
  #hasUnprovenEnd = false;
  #isOver = false;

  constructor(
    options: Http1TransportOptions,
    pool: ClientPool,
    endpoint: Endpoint,
    request: OutgoingRequest,
    sink: ResponseSink,
  ) {
    this.#options = options;
    this.#pool = pool;
    this.#endpoint = endpoint;
    this.#request = request;
    this.#sink = sink;
  }

  start(): void {
    this.#connect();
  }

  pause(): void {
    this.#connection?.pause();
  }

  resume(): void {
    this.#connection?.resume();
  }

  abort(outcome: Outcome): void {
    if (this.#isOver) return;
    const ended = outcome.kind === 'failure' ? this.#timedOut(outcome) : outcome;
    this.#letGo();
    this.#end(ended, '');
  }

  discard(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#connection?.discard();
    this.#connection = null;
  }

  placeFree(): void {
    this.#isWaiting = false;
    this.#connect();
  }

  dialled(socket: Socket, reads: SocketReads): void {
    this.#dial = null;
    this.#isReused = false;
    const connection = new ClientConnection(socket, this.#pool, this.#options.bounds);
    reads.listener = (bytes, length, isOwned) => connection.received(bytes, length, isOwned);
    this.#send(connection, this.#options.clock.now() - this.#dialledAt);
  }

  dialFailed(failure: Failure): void {
    this.#dial = null;
    this.#pool.forgo();
    this.#end(dialOutcome(failure), '');
  }

  responseInformational(head: ResponseHead): void {
    // It knows of the request: whatever comes next is no race.
    this.#isReused = false;
    this.#sink.informational(head);
  }

  responseHead(head: ResponseHead): void {
    if (this.#isGoodbye(head)) {
      this.#connection!.destroy();
      this.#sendAfresh();
      return;
    }
    // The way led to the wrong server (RFC 9110 section 15.5.20): not even a retry may take it again.
    if (head.status === 421) head.isPersistent = false;
    this.#status = head.status;
    this.#hasUnprovenEnd = head.framing === 'close' && 'encrypted' in this.#connection!.socket;
    this.#sink.head(head);
  }

  responseData(chunk: Buffer): boolean {
    return this.#sink.data(chunk);
  }

  responseFlush(): void {
    this.#sink.flush();
  }

  responseEnd(trailers: string): void {
    this.#connection = null;
    this.#end(this.#hasUnprovenEnd ? unprovenEnd : success(this.#status), trailers);
  }

  responseSwitched(head: ResponseHead, connection: OpenConnection): void {
    this.#isOver = true;
    this.#connection = null;
    this.#sink.switched(head, connection);
  }

  responseFailed(fault: WireFault): void {
    const connection = this.#connection!;
    if (fault.kind === 'closed' && !connection.hasHeard && this.#mayResend(connection)) {
      this.#sendAfresh();
      return;
    }
    this.#connection = null;
    this.#end(wireFault(fault, this.#status !== 0, connection.isUnsent), '');
  }

  /**
   * A kept connection that dies before it answered was most likely closed by the server while our request was on its
   * way. That is nobody's failure, so the request goes out once more, on a connection made for it.
   */
  #mayResend(connection: ClientConnection): boolean {
    if (!this.#isReused) return false;
    const { body, isRepeatable } = this.#request;
    return (isRepeatable || connection.isUnsent) && (body === null || body.isReplayable);
  }

  /** The same race, from a server that says 408 to the connection that it closes for being idle. */
  #isGoodbye(head: ResponseHead): boolean {
    return head.status === 408 && !head.isPersistent && this.#mayResend(this.#connection!);
  }

  #sendAfresh(): void {
    this.#connection = null;
    this.#mustBeFresh = true;
    this.#connect();
  }

  #connect(): void {
    const kept = this.#pool.take();
    if (kept !== null) {
      if (!this.#mustBeFresh) {
        this.#isReused = true;
        this.#send(kept, 0);
        return;
      }
      kept.destroy();
    }
    if (this.#pool.reserve()) {
      this.#dialledAt = this.#options.clock.now();
      this.#dial = this.#options.dialer.dial(this.#endpoint.address, this.#request.connectTimeoutMs, this);
      // It may have failed already.
      if (this.#isOver) this.#dial = null;
    } else {
      this.#isWaiting = true;
      this.#pool.wait(this);
    }
  }

  #send(connection: ClientConnection, connectMs: number): void {
    this.#connection = connection;
    this.#sink.connected(connectMs);
    const { method, headText, body, offered } = this.#request;
    connection.begin(method, headText, body, this, offered);
  }

  /** What it means that the time was up now. */
  #timedOut(limit: Failure): Outcome {
    // Time that ran out while every connection was taken says nothing about the upstream.
    if (this.#isWaiting) return rejected('pool_exhausted');
    return this.#connection === null || this.#connection.isUnsent ? { ...limit, isUnsent: true } : limit;
  }

  #letGo(): void {
    if (this.#isWaiting) this.#pool.stopWaiting(this);
    this.#isWaiting = false;
    if (this.#dial !== null) {
      this.#dial.cancel();
      this.#dial = null;
      this.#pool.forgo();
    }
    this.#connection?.destroy();
    this.#connection = null;
  }

  #end(outcome: Outcome, trailers: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.end(outcome, trailers);
  }
}
