import type { Socket } from 'node:net';
import { HeadScanner } from '../http1/head-scanner.ts';
import type { ClientBounds } from '../http1/limits.ts';
import { ResponseHead } from '../http1/response-head.ts';
import type { Clock } from '../lib/clock.ts';
import { type Failure, type Outcome, rejected, success } from '../policy/outcome.ts';
import type { Connector, Dial, DialObserver } from './dialer.ts';
import type { Endpoint } from './endpoint.ts';
import { dialOutcome } from './faults.ts';
import type { PoolSettings } from './sources.ts';
import type { Attempt, OutgoingRequest, ResponseSink, Transport } from './transport.ts';
import { isUndiciLoaded, loadUndici, UndiciConnection } from './undici-connection.ts';
import type { UndiciExchange } from './undici-exchange.ts';
import { type ExchangeObserver, isUndiciTelling } from './undici-handler.ts';
import { expectsContinue } from './undici-head.ts';
import { type RoomWaiter, UndiciPool } from './undici-pool.ts';

export interface UndiciTransportOptions {
  readonly clock: Clock;
  /** Its sockets can be read as streams (`connectForStreams`). */
  readonly dialer: Connector;
  readonly pool: PoolSettings;
  readonly bounds: ClientBounds;
}

/**
 * Attempts over undici: HTTP/1.1, or HTTP/2 where that was agreed on the socket. Dialling, pool and time are ours;
 * undici only speaks on the sockets that it is given (decision 26).
 */
export class UndiciTransport implements Transport {
  readonly #options: UndiciTransportOptions;

  /** Begins to load undici; attempts that come before it is there wait for it. */
  constructor(options: UndiciTransportOptions) {
    this.#options = options;
    void loadUndici();
  }

  prepare(endpoint: Endpoint, request: OutgoingRequest, sink: ResponseSink): Attempt {
    return new UndiciAttempt(this.#options, this.#poolOf(endpoint), endpoint, request, sink);
  }

  #poolOf(endpoint: Endpoint): UndiciPool {
    if (endpoint.connections instanceof UndiciPool) return endpoint.connections;
    endpoint.connections?.close();
    const created = new UndiciPool(this.#options.clock, this.#options.pool);
    endpoint.connections = created;
    // Who began before its removal comes for the first time: nobody will close what is kept.
    if (endpoint.isRemoved) created.close();
    return created;
  }
}

class UndiciAttempt implements Attempt, ExchangeObserver, DialObserver, RoomWaiter {
  readonly #options: UndiciTransportOptions;
  readonly #pool: UndiciPool;
  readonly #endpoint: Endpoint;
  readonly #request: OutgoingRequest;
  readonly #sink: ResponseSink;
  #connection: UndiciConnection | null = null;
  #exchange: UndiciExchange | null = null;
  #dial: Dial | null = null;
  #isWaiting = false;
  #isReused = false;
  /** True after a kept connection turned out to be dead: then only a new one will do, once. */
  #mustBeFresh = false;
  #isPaused = false;
  #dialledAt = 0;
  #status = 0;
  #isOver = false;

  constructor(
    options: UndiciTransportOptions,
    pool: UndiciPool,
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
    // undici takes no other form, and a request that it cannot carry says nothing about the upstream.
    if (this.#request.headText.startsWith('OPTIONS * ')) this.#end(asterisk, '');
    else if (isUndiciLoaded()) this.#connect();
    else void loadUndici().then(() => this.#connect());
  }

  pause(): void {
    this.#isPaused = true;
    this.#exchange?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#exchange?.resume();
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
    this.#exchange?.discard();
    this.#exchange = null;
  }

  roomFree(): void {
    this.#isWaiting = false;
    this.#connect();
  }

  dialled(socket: Socket): void {
    this.#dial = null;
    this.#isReused = false;
    const connection = new UndiciConnection(socket, this.#pool, this.#options.bounds);
    this.#send(connection, this.#options.clock.now() - this.#dialledAt);
    this.#pool.added(connection);
  }

  dialFailed(failure: Failure): void {
    this.#dial = null;
    this.#pool.forgo();
    this.#end(dialOutcome(failure), '');
  }

  exchangeInformational(head: ResponseHead): void {
    // It knows of the request: whatever comes next is no race.
    this.#isReused = false;
    this.#sink.informational(head);
  }

  exchangeHead(head: ResponseHead): void {
    if (head.status === 408 && !head.isPersistent && !this.#connection!.isShared && this.#mayResend()) {
      // From a server that says so to the connection that it closes for being idle.
      this.#exchange?.cancel();
      this.#sendAfresh();
      return;
    }
    // The way led to the wrong server (RFC 9110 section 15.5.20): not even a retry may take it again.
    if (head.status === 421) this.#connection?.retire();
    this.#status = head.status;
    this.#sink.head(head);
  }

  exchangeData(chunk: Buffer): void {
    this.#sink.data(chunk);
  }

  exchangeFlush(): void {
    this.#sink.flush();
  }

  exchangeEnded(trailers: string): void {
    this.#exchange = null;
    this.#end(success(this.#status), trailers);
  }

  exchangeFailed(failure: Failure): void {
    if (failure.reason === 'reset' && this.#exchange?.hasHeard === false && this.#mayResend()) {
      this.#sendAfresh();
      return;
    }
    this.#exchange = null;
    this.#end(failure, '');
  }

  /** As on our own wire: a kept connection that dies before it answered was most likely closed while we wrote. */
  #mayResend(): boolean {
    if (!this.#isReused) return false;
    const { body, isRepeatable } = this.#request;
    return (isRepeatable || this.#exchange?.isUnsent === true) && (body === null || body.isReplayable);
  }

  #sendAfresh(): void {
    this.#exchange = null;
    this.#mustBeFresh = true;
    this.#connect();
  }

  #connect(): void {
    if (this.#isOver) return;
    if (isUndiciTelling()) {
      queueMicrotask(() => this.#connect());
      return;
    }
    const kept = this.#pool.take();
    if (kept !== null) {
      // One that others use beside us lives.
      if (!this.#mustBeFresh || kept.inUse > 0) {
        this.#isReused = !this.#mustBeFresh;
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

  #send(connection: UndiciConnection, connectMs: number): void {
    this.#connection = connection;
    this.#sink.connected(connectMs);
    if (this.#isOver) {
      if (connection.inUse === 0) connection.destroy();
      return;
    }
    // undici sends a head only together with the first content: the client must not wait for the server's leave.
    const { body, headText } = this.#request;
    if (body !== null && expectsContinue(headText)) this.#sink.informational(goOn);
    const exchange = connection.begin(this.#request, this);
    this.#exchange = exchange;
    if (this.#isPaused) exchange.pause();
  }

  /** What it means that the time was up now. */
  #timedOut(limit: Failure): Outcome {
    // Time that ran out while every connection was taken says nothing about the upstream.
    if (this.#isWaiting) return rejected('pool_exhausted');
    // A connection on which nothing is heard may be dead: others need not find that out as well.
    if (this.#exchange?.hasHeard === false) this.#connection?.retire();
    return this.#exchange === null || this.#exchange.isUnsent ? { ...limit, isUnsent: true } : limit;
  }

  #letGo(): void {
    if (this.#isWaiting) this.#pool.stopWaiting(this);
    this.#isWaiting = false;
    if (this.#dial !== null) {
      this.#dial.cancel();
      this.#dial = null;
      this.#pool.forgo();
    }
    this.#exchange?.cancel();
    this.#exchange = null;
  }

  #end(outcome: Outcome, trailers: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#sink.end(outcome, trailers);
  }
}

const asterisk = rejected('not_implemented', -1, 'OPTIONS * cannot be sent with transport: undici');

/** The leave to send content, which we give ourselves. */
const goOn = ((): ResponseHead => {
  const text = 'HTTP/1.1 100 Continue\r\n\r\n';
  const scanner = new HeadScanner('response', { lineBytes: 64, headBytes: 64, fields: 1 });
  scanner.scan(Buffer.from(text), 0, text.length);
  const head = new ResponseHead(scanner, text);
  head.interpret(scanner, 'POST');
  return head;
})();
