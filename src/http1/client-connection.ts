import type { Socket } from 'node:net';
import { type Expirable, Timeout } from '../lib/timeout-queue.ts';
import { type BodyConsumer, BodyReader, type BodySource } from './body.ts';
import { HeadScanner } from './head-scanner.ts';
import type { ClientBounds } from './limits.ts';
import { ResponseHead } from './response-head.ts';
import { type Violation, violations } from './violation.ts';
import { WireWriter } from './wire-writer.ts';

/** Why an exchange with an upstream server could not be completed. */
export type WireFault =
  /** The connection ended; `error` is null for an orderly end at the wrong time. */
  | { readonly kind: 'closed'; readonly error: Error | null }
  /** The server broke a rule of the wire. */
  | { readonly kind: 'malformed'; readonly violation: Violation };

/** Hears the answer to one request. After `responseEnd` or `responseFailed` nothing more is called. */
export interface ResponseObserver {
  responseInformational(head: ResponseHead): void;
  /** The final head; valid until the call returns. */
  responseHead(head: ResponseHead): void;
  responseData(chunk: Buffer): void;
  /** Everything that has arrived was told: what is held back for one write can go out. */
  responseFlush(): void;
  /** `trailers`: checked field lines, each with its line end. */
  responseEnd(trailers: string): void;
  responseFailed(fault: WireFault): void;
}

/** Where a connection goes when it is free again, or gone. */
export interface ConnectionKeeper {
  /** Ready for another exchange. `keepAliveMs`: how long the server said it keeps it; -1 where it did not. */
  released(connection: ClientConnection, keepAliveMs: number): void;
  /** Closed, for whatever cause. */
  gone(connection: ClientConnection): void;
}

/** What is read of an answer that nobody wants, to keep the connection. */
const MAX_DISCARD = 64 * 1024;

/** One connection to an upstream server: one exchange at a time, and never another one after a doubt. */
export class ClientConnection implements BodyConsumer, Expirable {
  readonly socket: Socket;
  /** Exchanges that it has begun. */
  exchanges = 0;
  /** For the pool: runs while the connection is idle. */
  readonly idleTimeout = new Timeout(this);

  readonly #keeper: ConnectionKeeper;
  readonly #bounds: ClientBounds;
  readonly #scanner: HeadScanner;
  readonly #writer: WireWriter;
  #observer: ResponseObserver | null = null;
  #method = '';
  #source: BodySource | null = null;
  #isRequestDone = true;
  #head: ResponseHead | null = null;
  #reader: BodyReader | null = null;
  #informational = 0;
  #pending: Buffer | null = null;
  #from = 0;
  #isPaused = false;
  #isReadingOn = false;
  #discarding = -1;
  #hasHeard = false;
  #hasServerEnded = false;
  #isGone = false;

  /** `socket` is connected and has no listeners yet. */
  constructor(socket: Socket, keeper: ConnectionKeeper, bounds: ClientBounds) {
    this.socket = socket;
    this.#keeper = keeper;
    this.#bounds = bounds;
    this.#scanner = new HeadScanner('response', bounds.head);
    this.#writer = new WireWriter(socket);
    socket.on('data', (chunk: Buffer) => this.#received(chunk));
    socket.on('drain', () => this.#source?.resume());
    socket.on('end', () => this.#serverEnded());
    socket.on('error', (error) => this.#fail({ kind: 'closed', error }));
    socket.on('close', () => this.#closed());
  }

  /** True when not one byte of the present request was handed to the socket. */
  get isUnsent(): boolean {
    return !this.#writer.hasWritten;
  }

  /** True once a byte came back for the present request. */
  get hasHeard(): boolean {
    return this.#hasHeard;
  }

  /** Sends a request: its head through the empty line, then what `source` delivers. */
  begin(method: string, headText: string, source: BodySource | null, observer: ResponseObserver): void {
    this.exchanges += 1;
    this.#observer = observer;
    this.#method = method;
    this.#source = source;
    this.#isRequestDone = source === null;
    this.#head = null;
    this.#reader = null;
    this.#informational = 0;
    this.#isPaused = false;
    this.#discarding = -1;
    this.#hasHeard = false;
    this.#scanner.reset();
    this.#writer.begin(headText, source !== null && source.length < 0);
    source?.attach(this);
    if (this.#isGone) return;
    this.#writer.flush();
  }

  bodyData(chunk: Buffer): void {
    if (!this.#writer.data(chunk)) this.#source?.pause();
    // The first pieces go out with the head, when `attach` returns; those that come later go at once.
    else if (this.#writer.hasWritten) this.#writer.flush();
  }

  bodyEnd(trailers: string): void {
    this.#isRequestDone = true;
    this.#source = null;
    this.#writer.end(trailers);
  }

  pause(): void {
    this.#isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (!this.#isGone) this.socket.resume();
    this.#readOn();
    this.#settle();
  }

  /** Reads away, within bounds, what is left of an answer; the observer hears nothing more. */
  discard(): void {
    this.#observer = null;
    this.#dropSource();
    this.#discarding = 0;
    if (!this.#isRequestDone || this.#head === null || !this.#head.isPersistent) this.destroy();
    else this.resume();
  }

  /** Closes it for good. The observer of an exchange that is under way hears nothing. */
  destroy(): void {
    this.#observer = null;
    this.#dropSource();
    if (this.#isGone) return;
    this.#isGone = true;
    this.socket.destroy();
    this.#keeper.gone(this);
  }

  /** For the idle timeout. */
  expired(): void {
    this.destroy();
  }

  #received(chunk: Buffer): void {
    if (this.#isGone) return;
    if (this.#observer === null && this.#discarding < 0) {
      // Nobody asked: whatever this is, it must not be taken for the answer to the next request.
      this.destroy();
      return;
    }
    this.#hasHeard = true;
    if (this.#pending === null) {
      this.#pending = chunk;
      this.#from = 0;
    } else {
      this.#pending = Buffer.concat([this.#pending.subarray(this.#from), chunk]);
      this.#from = 0;
    }
    this.#readOn();
  }

  #readOn(): void {
    if (this.#isReadingOn) return;
    this.#isReadingOn = true;
    while (this.#pending !== null && !this.#isPaused && !this.#isGone && this.#step(this.#pending));
    this.#isReadingOn = false;
    this.#observer?.responseFlush();
  }

  #step(bytes: Buffer): boolean {
    if (this.#head === null) return this.#readHead(bytes);
    return this.#readBody(this.#head, bytes);
  }

  #readHead(bytes: Buffer): boolean {
    const scanner = this.#scanner;
    switch (scanner.scan(bytes, this.#from, bytes.length)) {
      case 'incomplete':
        return false;
      case 'malformed':
        return this.#fail({ kind: 'malformed', violation: scanner.violation });
      default:
    }
    const head = new ResponseHead(scanner, bytes.toString('latin1', this.#from, this.#from + scanner.length));
    this.#take(this.#from + scanner.length);
    const violation = head.interpret(scanner, this.#method);
    if (violation !== null) return this.#fail({ kind: 'malformed', violation });
    if (head.isInformational) return this.#readInformational(head);
    this.#head = head;
    if (head.framing === 'length' || head.framing === 'chunked') {
      const length = head.framing === 'chunked' ? -1 : head.contentLength;
      this.#reader = new BodyReader(length, this.#bounds.chunked, Number.POSITIVE_INFINITY);
    }
    this.#observer?.responseHead(head);
    return !this.#settle();
  }

  #readInformational(head: ResponseHead): boolean {
    this.#informational += 1;
    if (head.status === 101) return this.#fail({ kind: 'malformed', violation: violations.switched });
    if (this.#informational > this.#bounds.informational) {
      return this.#fail({ kind: 'malformed', violation: violations.informational });
    }
    this.#observer?.responseInformational(head);
    this.#scanner.reset();
    return true;
  }

  #readBody(head: ResponseHead, bytes: Buffer): boolean {
    const reader = this.#reader;
    const from = this.#from;
    let dataEnd = bytes.length;
    if (reader === null) {
      if (head.framing === 'none') return this.#unexpected();
      this.#take(dataEnd);
    } else {
      if (reader.isDone) return this.#unexpected();
      dataEnd = reader.read(bytes, from, bytes.length);
      if (dataEnd < 0) return this.#fail({ kind: 'malformed', violation: reader.violation });
      this.#take(reader.consumed);
    }
    if (dataEnd > from) this.#deliver(bytes.subarray(from, dataEnd));
    return !this.#settle() && !this.#isGone;
  }

  #deliver(chunk: Buffer): void {
    if (this.#discarding < 0) {
      this.#observer?.responseData(chunk);
      return;
    }
    this.#discarding += chunk.length;
    if (this.#discarding > MAX_DISCARD) this.destroy();
  }

  /** Bytes after a complete answer: it stands, and the connection goes when the exchange is over. */
  #unexpected(): boolean {
    if (this.#head !== null) this.#head.isPersistent = false;
    this.#pending = null;
    return false;
  }

  #take(to: number): void {
    this.#from = to;
    if (this.#pending !== null && to >= this.#pending.length) this.#pending = null;
  }

  /** True when the final head and all of its content have arrived. */
  #isAnswerWhole(): boolean {
    if (this.#head === null) return false;
    if (this.#reader !== null) return this.#reader.isDone;
    return this.#head.framing === 'none' || this.#hasServerEnded;
  }

  /** Ends the exchange if the answer is whole and nobody asked to wait. True when it did. */
  #settle(): boolean {
    const head = this.#head;
    if (head === null || this.#isPaused || !this.#isAnswerWhole()) return false;
    if (head.framing === 'close' && this.#pending !== null) return false;
    const observer = this.#observer;
    const trailers = this.#reader === null ? '' : this.#reader.trailers;
    const canKeep = head.isPersistent && this.#isRequestDone && this.#pending === null && !this.#isGone;
    this.#observer = null;
    this.#discarding = -1;
    this.#dropSource();
    this.#head = null;
    this.#reader = null;
    if (canKeep) this.#keeper.released(this, head.keepAliveMs);
    else this.destroy();
    observer?.responseEnd(trailers);
    return true;
  }

  #serverEnded(): void {
    this.#hasServerEnded = true;
    this.#fail({ kind: 'closed', error: null });
    this.#settle();
  }

  #closed(): void {
    if (!this.#isGone) {
      this.#fail({ kind: 'closed', error: null });
      this.destroy();
    }
  }

  /** The exchange cannot go on. An answer that is whole already stands; it only costs the connection. */
  #fail(fault: WireFault): false {
    if (this.#isAnswerWhole()) {
      this.#head!.isPersistent = false;
      return false;
    }
    const observer = this.#observer;
    this.destroy();
    observer?.responseFailed(fault);
    return false;
  }

  #dropSource(): void {
    this.#source?.detach(this);
    this.#source = null;
  }
}
