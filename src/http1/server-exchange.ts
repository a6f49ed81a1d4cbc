import type { Socket } from 'node:net';
import type { BodyConsumer, BodyReader, BodySource } from './body.ts';
import type { RequestHead } from './request-head.ts';
import type { Violation } from './violation.ts';
import type { WireWriter } from './wire-writer.ts';

/** Hears what happens to an exchange from the client's side. */
export interface ExchangeObserver {
  /** The request has been read whole. Not called for a request without content. */
  requestEnded(): void;
  /** The rest of the request cannot be read: malformed, too large, or too slow. */
  requestBroken(violation: Violation): void;
  /** The client went away before the answer was complete. After `switchOver`: its connection is broken off here. */
  clientGone(): void;
  /** What was written has gone out; after a write that returned false. */
  drained(): void;
}

/** What an exchange needs of the connection that it is on. */
export interface ExchangeConnection {
  readonly writer: WireWriter;
  /** True when the connection ends with this exchange, for a cause of its own. */
  readonly isDraining: boolean;
  /** Takes up reading where it stopped. */
  readOn(): void;
  /** Passes on whether more may be written, and keeps watch where not. */
  written(goOn: boolean): boolean;
  exchangeOver(mustClose: boolean): void;
  /** What comes is no HTTP from now on: nothing more is read or watched here. */
  switchOver(): ClientSide;
  destroy(): void;
}

/** A client's connection that carries bytes and no messages. Whoever gets it reads, writes and ends it. */
export interface ClientSide {
  readonly socket: Socket;
  /** What came after the request's head; null: nothing. */
  readonly early: Buffer | null;
}

/** Content that is read away after an early answer, to keep the connection. */
const MAX_DRAIN = 64 * 1024;

const nobody: BodyConsumer = Object.freeze({ bodyData() {}, bodyEnd() {} });

/**
 * One request on a client's connection and the place for its answer. Also the live, once-only source of the request's
 * content. After {@link finish} or {@link cut} it is dead: every call is harmless and does nothing.
 */
export class ServerExchange implements BodySource {
  readonly head: RequestHead;
  readonly length: number;
  observer: ExchangeObserver | null = null;
  isOver = false;
  /** When the request's last byte was read; before that, when its head was. */
  receivedAt: number;
  /** True once a byte of the final answer was handed over. */
  isAnswered = false;
  /** True since the connection carries bytes and no messages: who joined it hears for itself how it ends. */
  isSwitched = false;
  /** Content of the answer, without framing. */
  responseBytes = 0;

  readonly #connection: ExchangeConnection;
  readonly #reader: BodyReader | null;
  #consumer: BodyConsumer | null = null;
  #isPaused = false;
  #mayGoOn = false;
  #willClose = false;
  #isBroken = false;
  #whenOut: (() => void) | null = null;

  /** `now`: when the head had been read. */
  constructor(connection: ExchangeConnection, head: RequestHead, reader: BodyReader | null, now: number) {
    this.#connection = connection;
    this.receivedAt = now;
    this.head = head;
    this.#reader = reader;
    this.length = head.framing === 'chunked' ? -1 : head.contentLength;
  }

  /** What it asks for: an answer, or a tunnel. */
  get protocol(): 'http' | 'connect' {
    return this.head.method === 'CONNECT' ? 'connect' : 'http';
  }

  get hasBody(): boolean {
    return this.#reader !== null;
  }

  get isRequestDone(): boolean {
    return this.#reader === null || this.#reader.isDone;
  }

  /** Content of the request that has been read. */
  get requestBytes(): number {
    return this.#reader === null ? 0 : this.#reader.bytes;
  }

  /** Content that was delivered is gone. */
  get isReplayable(): boolean {
    return this.requestBytes === 0;
  }

  /** True while content is wanted and nobody has asked to wait. */
  get wantsBody(): boolean {
    return this.#consumer !== null && !this.#isPaused && !this.isRequestDone;
  }

  attach(consumer: BodyConsumer): void {
    this.#consumer = consumer;
    this.#isPaused = false;
    this.#connection.readOn();
  }

  detach(consumer: BodyConsumer): void {
    if (this.#consumer === consumer) this.#consumer = null;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#connection.readOn();
  }

  /** An informational head, through its empty line; goes out at once. */
  inform(text: string): void {
    if (this.isOver || this.isAnswered || this.head.minor === 0) return;
    this.#connection.writer.begin(text, false);
    this.#connection.writer.flush();
  }

  /** A 100 (Continue), as {@link inform}: the client hears once that it may send, however many attempts say so. */
  goOn(text: string): void {
    if (!this.#mayGoOn) this.inform(text);
    this.#mayGoOn = true;
  }

  /** True when the connection can be kept after this exchange, as far as is known now. */
  get canPersist(): boolean {
    if (!this.head.isPersistent || this.#connection.isDraining || this.#isBroken) return false;
    return this.isRequestDone || this.#canDrain();
  }

  /**
   * The answer's head, through its empty line. `willClose`: it says `Connection: close`, or its content lasts until the
   * connection ends. It may be held back until {@link flush}.
   */
  respond(text: string, isChunked: boolean, willClose: boolean): void {
    if (this.isOver) return;
    this.isAnswered = true;
    this.#willClose = willClose;
    this.#connection.writer.begin(text, isChunked);
  }

  /** The last head on this connection, through its empty line: then it is a tunnel. Its end is told by {@link cut}. */
  switchOver(text: string): ClientSide {
    this.isAnswered = true;
    this.isSwitched = true;
    this.#connection.writer.begin(text, false);
    this.#connection.writer.flush();
    return this.#connection.switchOver();
  }

  /** True when no content of the answer is in use any more. */
  get isOut(): boolean {
    return this.isOver || this.#connection.writer.isOut;
  }

  /** Content of the answer, in use until {@link isOut}. False: wait for `drained`. */
  write(chunk: Buffer): boolean {
    if (this.isOver) return true;
    this.responseBytes += chunk.length;
    return this.#connection.written(this.#connection.writer.data(chunk));
  }

  /**
   * Calls back, once, when nothing of the whole answer is in memory any more: the client's connection has taken it, or
   * is gone. To be called before {@link finish}.
   */
  whenOut(done: () => void): void {
    if (this.isOver) done();
    else this.#whenOut = done;
  }

  /** Lets what is held back go. */
  flush(): boolean {
    return this.isOver || this.#connection.written(this.#connection.writer.flush());
  }

  /** The answer is complete. What is left of the request is read away if it is little; else it costs the connection. */
  finish(trailers = ''): void {
    if (this.isOver) return;
    this.isOver = true;
    this.observer = null;
    this.#connection.written(this.#connection.writer.end(this.head.minor === 0 ? '' : trailers));
    if (this.#whenOut !== null) this.#connection.writer.whenOut(this.#whenOut);
    if (this.isRequestDone || this.#willClose)
      this.#connection.exchangeOver(this.#willClose || !this.isRequestDone);
    else this.attach(nobody);
  }

  /** Breaks off: the client sees that the answer is not complete. */
  cut(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.observer = null;
    this.#consumer = null;
    this.#connection.destroy();
    this.#whenOut?.();
  }

  /** For the connection: content has arrived. */
  deliver(chunk: Buffer): void {
    this.#consumer?.bodyData(chunk);
  }

  /** For the connection: the content is complete. */
  deliverEnd(trailers: string): void {
    const consumer = this.#consumer;
    this.#consumer = null;
    this.observer?.requestEnded();
    consumer?.bodyEnd(trailers);
    if (consumer === nobody) this.#connection.exchangeOver(false);
  }

  /** For the connection: the content cannot be read on. */
  broken(violation: Violation): void {
    this.#isBroken = true;
    if (this.isOver) this.#connection.exchangeOver(true);
    else this.observer?.requestBroken(violation);
  }

  /**
   * True when little enough is left of the request to read it away after an answer that came early. A client that asked
   * whether it may send its content might not do so any more.
   */
  #canDrain(): boolean {
    if (this.length < 0 || this.length - this.requestBytes > MAX_DRAIN) return false;
    return !this.head.expectsContinue || this.#mayGoOn || this.requestBytes > 0;
  }
}
