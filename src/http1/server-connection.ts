import type { Socket } from 'node:net';
import { askForMore } from '../lib/ask-for-more.ts';
import { resetSocket } from '../lib/socket-reset.ts';
import { type Expirable, Timeout } from '../lib/timeout-queue.ts';
import { BodyReader } from './body.ts';
import { HeadScanner } from './head-scanner.ts';
import type { RequestConnection, ServerContext } from './request-handler.ts';
import { RequestHead } from './request-head.ts';
import { type ClientSide, type ExchangeConnection, ServerExchange } from './server-exchange.ts';
import { Unread } from './unread.ts';
import { type Violation, violations } from './violation.ts';
import { WireWriter } from './wire-writer.ts';

/** Bytes kept for later while nobody may read them. Content that does not fit in is not read on before it is wanted. */
const MAX_PENDING = 64 * 1024;

/**
 * One client's connection: requests in, one exchange at a time and in order, answers out. It holds the limits and the
 * time limits of `http1/` and knows no policy.
 */
export class ServerConnection implements ExchangeConnection, RequestConnection, Expirable {
  readonly socket: Socket;
  readonly writer: WireWriter;
  /** Set when the process wants to end: the next answer says that it closes the connection, and does. */
  isDraining = false;
  exchange: ServerExchange | null = null;
  rosterIndex = -1;

  readonly #context: ServerContext;
  readonly #scanner: HeadScanner;
  readonly #readTimeout = new Timeout(this);
  readonly #writeTimeout = new Timeout(this);
  #reader: BodyReader | null = null;
  readonly #unread = new Unread();
  #isReadingOn = false;
  /** True while the handler has a request that it was given just now: it may ask for content already. */
  #isHandingOver = false;
  #isPaused = false;
  #isEnding = false;
  #isClosed = false;
  #hasClientEnded = false;
  #unwritten = 0;
  readonly #onData = (chunk: Buffer): void => this.#received(chunk);
  readonly #onDrain = (): void => this.#drained();
  readonly #onEnd = (): void => this.#clientEnded();
  readonly #onError = (): void => this.destroy();

  constructor(socket: Socket, context: ServerContext) {
    this.socket = socket;
    this.#context = context;
    this.writer = new WireWriter(socket);
    this.#scanner = new HeadScanner('request', context.bounds.head);
    context.headTimeouts.arm(this.#readTimeout, context.clock.now());
    socket.setNoDelay(true);
    socket.on('data', this.#onData);
    socket.on('drain', this.#onDrain);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', () => this.#closed());
  }

  /** Takes up reading where it stopped: the exchange wants content, or it is over. */
  readOn(): void {
    // Content that came with its head is told before that is on its way: then both go in one write.
    if (this.#isHandingOver && this.exchange !== null && this.#unread.bytes !== null)
      this.#step(this.#unread.bytes);
    if (this.#isReadingOn) return;
    this.#isReadingOn = true;
    while (this.#unread.bytes !== null && this.#step(this.#unread.bytes));
    this.#isReadingOn = false;
    if (!this.#isClosed && !this.#isEnding) this.#setReading();
  }

  /** For the exchange: keeps watch over a client that does not take what it is sent. */
  written(goOn: boolean): boolean {
    if (!goOn && this.#writeTimeout.queue === null) this.#watchWriting();
    return goOn;
  }

  /** For the exchange: the answer is out. */
  exchangeOver(mustClose: boolean): void {
    this.exchange = null;
    this.#reader = null;
    this.#scanner.reset();
    if (mustClose || (this.#hasClientEnded && this.#unread.bytes === null)) this.#end();
    else this.readOn();
  }

  /** For the exchange: only the end of the socket still matters here. */
  switchOver(): ClientSide {
    const { socket } = this;
    const early = this.#unread.bytes === null ? null : this.#unread.rest();
    this.#readTimeout.disarm();
    this.#writeTimeout.disarm();
    this.#unread.clear();
    socket.off('data', this.#onData).off('drain', this.#onDrain);
    socket.off('end', this.#onEnd).off('error', this.#onError);
    return { socket, early };
  }

  get isBusy(): boolean {
    if (this.exchange !== null || this.socket.writableLength > 0) return true;
    return this.#unread.bytes !== null && !this.#scanner.isAtStart;
  }

  abandon(): void {
    this.exchange?.observer?.clientGone();
    this.destroy();
  }

  destroy(): void {
    // HTTP/1.0 knows the end of an answer by the end of the connection: only a reset tells that it was cut.
    if (this.exchange?.isAnswered === true && this.exchange.head.minor === 0) resetSocket(this.socket);
    else this.socket.destroy();
  }

  expired(timeout: Timeout): void {
    if (timeout === this.#writeTimeout) this.#stalled();
    else if (this.#isEnding) this.destroy();
    else if (this.exchange !== null) this.exchange.broken(violations.body_time);
    // An empty line is no request yet: an answer to it would be taken for the answer to the next one.
    else if (this.#unread.bytes === null || this.#scanner.isAtStart) this.#end();
    else this.#refuse(violations.head_time, null);
  }

  #received(chunk: Buffer): void {
    askForMore(this.socket);
    if (this.#isEnding) return;
    this.#unread.add(chunk, chunk.length);
    this.readOn();
  }

  /** Does one thing with the pending bytes: a head or some content. False: nothing can be done now. */
  #step(bytes: Buffer): boolean {
    if (this.#isEnding || this.#isClosed) return false;
    // Nobody is served on who does not take the answers that he has.
    if (this.exchange === null) return !this.socket.writableNeedDrain && this.#readHead(bytes);
    if (this.#reader !== null && this.exchange.wantsBody)
      return this.#readBody(this.exchange, this.#reader, bytes);
    return false;
  }

  #readHead(bytes: Buffer): boolean {
    const scanner = this.#scanner;
    const { from, end } = this.#unread;
    const scanned = scanner.scan(bytes, from, end);
    if (scanned === 'malformed') this.#refuse(scanner.violation, null);
    if (scanned !== 'complete') return false;
    const start = from + scanner.skipped;
    const head = new RequestHead(scanner, bytes.toString('latin1', start, start + scanner.length));
    this.#unread.take(start + scanner.length);
    let violation = head.interpret(scanner);
    if (head.contentLength > this.#context.bounds.bodyBytes) violation ??= violations.body_size;
    if (violation !== null) {
      this.#refuse(violation, head);
      return false;
    }
    this.#begin(head);
    return true;
  }

  #begin(head: RequestHead): void {
    const { bounds, handler } = this.#context;
    if (head.framing !== 'none') {
      const length = head.framing === 'chunked' ? -1 : head.contentLength;
      this.#reader = new BodyReader(length, bounds.chunked, bounds.bodyBytes);
    }
    this.#readTimeout.disarm();
    this.exchange = new ServerExchange(this, head, this.#reader, this.#context.clock.now());
    this.#isHandingOver = true;
    handler.request(this.exchange);
    this.#isHandingOver = false;
  }

  #readBody(exchange: ServerExchange, reader: BodyReader, bytes: Buffer): boolean {
    const { from, end } = this.#unread;
    const dataEnd = reader.read(bytes, from, end);
    if (dataEnd < 0) {
      exchange.broken(reader.violation);
      return false;
    }
    this.#unread.take(reader.consumed);
    if (dataEnd > from) exchange.deliver(bytes.subarray(from, dataEnd));
    if (reader.isDone) {
      this.#readTimeout.disarm();
      exchange.receivedAt = this.#context.clock.now();
      exchange.deliverEnd(reader.trailers);
    } else if (this.exchange === exchange) {
      this.#context.bodyTimeouts.arm(this.#readTimeout, this.#context.clock.now());
    }
    return true;
  }

  /** Decides which time limit runs, and whether the socket is read. */
  #setReading(): void {
    const { clock, headTimeouts, keepAliveTimeouts, bodyTimeouts } = this.#context;
    const timeout = this.#readTimeout;
    const mustWait = this.exchange !== null || this.socket.writableNeedDrain;
    if (this.exchange !== null) {
      if (!this.exchange.wantsBody) timeout.disarm();
      else if (this.#hasClientEnded) this.#endedTooSoon(this.exchange);
      else if (timeout.queue === null) bodyTimeouts.arm(timeout, clock.now());
    } else if (this.#unread.bytes !== null && mustWait) {
      timeout.disarm();
      this.written(false);
    } else if (this.#hasClientEnded) this.#end();
    else if (this.#unread.bytes !== null && timeout.queue !== headTimeouts)
      headTimeouts.arm(timeout, clock.now());
    else if (timeout.queue === null) keepAliveTimeouts.arm(timeout, clock.now());
    const isFull = Math.max(this.#unread.length, this.#reader?.missing ?? 0) >= MAX_PENDING;
    this.#pauseReading(isFull && mustWait && this.exchange?.wantsBody !== true);
  }

  #pauseReading(isPaused: boolean): void {
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.socket.pause();
    else this.socket.resume();
  }

  #drained(): void {
    this.#writeTimeout.disarm();
    if (this.exchange === null) this.readOn();
    else this.exchange.observer?.drained();
  }

  /** A client that takes its time but takes something is not stalled. */
  #stalled(): void {
    const left = this.socket.writableLength;
    if (left > 0 && left < this.#unwritten) this.#watchWriting();
    else this.abandon();
  }

  #watchWriting(): void {
    this.#unwritten = this.socket.writableLength;
    this.#context.stallTimeouts.arm(this.#writeTimeout, this.#context.clock.now());
  }

  #clientEnded(): void {
    this.#hasClientEnded = true;
    if (this.#isEnding) return;
    const { exchange } = this;
    if (exchange === null) this.#setReading();
    // Content that has come but was not read yet may be all of it.
    else if (exchange.isRequestDone || this.#unread.bytes !== null) this.#context.handler.clientEnded(this);
    else this.#endedTooSoon(exchange);
  }

  /** The client has ended its side and owes content. An answer that it has already stands. */
  #endedTooSoon(exchange: ServerExchange): void {
    if (exchange.isOver) this.exchangeOver(true);
    else this.abandon();
  }

  #refuse(violation: Violation, head: RequestHead | null): void {
    this.#unread.clear();
    this.writer.begin(this.#context.handler.refusal(violation, head), false);
    this.#end();
  }

  /** Says goodbye: writes what is left, closes our half, and reads away what the client still sends, for a while. */
  #end(): void {
    if (this.#isEnding || this.#isClosed) return;
    this.#isEnding = true;
    this.#unread.clear();
    this.#readTimeout.disarm();
    this.writer.flush();
    // Where all is out and nothing more can come, closing says as much as ending first, in one call of the system less.
    if (this.#hasClientEnded && this.writer.isOut) {
      this.socket.destroy();
      return;
    }
    this.written(false);
    this.socket.end(() => {
      this.#writeTimeout.disarm();
      // Also called when the socket was destroyed before it got there: then there is nobody to wait for.
      if (this.socket.destroyed) return;
      this.#context.lingerTimeouts.arm(this.#readTimeout, this.#context.clock.now());
    });
    this.#pauseReading(false);
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#readTimeout.disarm();
    this.#writeTimeout.disarm();
    this.#unread.clear();
    const exchange = this.exchange;
    this.exchange = null;
    if (exchange !== null && !exchange.isOver && !exchange.isSwitched) exchange.observer?.clientGone();
    this.#context.handler.closed(this);
  }
}
