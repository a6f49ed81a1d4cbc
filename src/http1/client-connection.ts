import type { Socket } from 'node:net';
import { type Expirable, Timeout } from '../lib/timeout-queue.ts';
import type { BodyConsumer, BodySource } from './body.ts';
import type { ClientBounds } from './limits.ts';
import type { ResponseHead } from './response-head.ts';
import type { BytesListener, ConnectionKeeper, ResponseObserver, WireFault } from './response-observer.ts';
import { ResponseReader } from './response-reader.ts';
import { Unread } from './unread.ts';
import { WireWriter } from './wire-writer.ts';

/** What is read of an answer that nobody wants, to keep the connection. */
const MAX_DISCARD = 64 * 1024;

/** One connection to an upstream server: one exchange at a time, and never another one after a doubt. */
export class ClientConnection implements BodyConsumer, Expirable {
  readonly socket: Socket;
  /** Exchanges that it has begun. */
  exchanges = 0;
  /** For the pool: runs while the connection is idle, or reads away what nobody wants. */
  readonly idleTimeout = new Timeout(this);

  readonly #keeper: ConnectionKeeper<ClientConnection>;
  readonly #reader: ResponseReader;
  readonly #writer: WireWriter;
  #observer: ResponseObserver | null = null;
  /** True from the request to the end of its answer. */
  #isBusy = false;
  #source: BodySource | null = null;
  #isRequestDone = true;
  readonly #unread = new Unread();
  #isPaused = false;
  #isReadingOn = false;
  /** Content read away of an answer that nobody wants; -1: it is wanted. */
  #discarded = -1;
  #hasHeard = false;
  /** True when a piece of what was read last is still being written. */
  #isInUse = false;
  #hasServerEnded = false;
  #isGone = false;
  /** Who reads since the protocol was switched; null: it was not. */
  #successor: BytesListener | null = null;

  /** `socket` is connected and has no listeners yet; what is read from it is handed to {@link received}. */
  constructor(socket: Socket, keeper: ConnectionKeeper<ClientConnection>, bounds: ClientBounds) {
    this.socket = socket;
    this.#keeper = keeper;
    this.#reader = new ResponseReader(bounds);
    this.#writer = new WireWriter(socket);
    socket.on('drain', () => this.#drained());
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

  /**
   * Sends a request: its head through the empty line, then what `source` delivers. `offered`: the protocols, in lower
   * case, that the head offers to switch to.
   */
  begin(
    method: string,
    headText: string,
    source: BodySource | null,
    observer: ResponseObserver,
    offered = '',
  ): void {
    this.exchanges += 1;
    this.#observer = observer;
    this.#source = source;
    this.#isRequestDone = source === null;
    this.#isBusy = true;
    this.#isPaused = false;
    this.#discarded = -1;
    this.#hasHeard = false;
    this.#reader.begin(method, offered);
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
    if (!this.#isPaused) return;
    this.#goOn();
  }

  #goOn(): void {
    this.#isPaused = false;
    if (!this.#isGone) this.socket.resume();
    this.#readOn();
    this.#settle();
  }

  /** Reads away, within bounds, what is left of an answer; the observer hears nothing more. */
  discard(): void {
    this.#observer = null;
    this.#dropSource();
    this.#discarded = 0;
    if (!this.#isRequestDone || this.#reader.head?.isPersistent !== true) this.destroy();
    else this.#goOn();
    if (this.#isBusy && !this.#isGone) this.#keeper.discarding(this);
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

  /**
   * Bytes from the socket, the first `length` of `bytes`. True when they are free again. Where they are not `isOwned`
   * they are free in any case: what is kept is kept as a copy, and there are no more of them than a writer copies anyway.
   */
  received(bytes: Buffer, length: number, isOwned: boolean): boolean {
    if (this.#isGone) return this.#successor === null || this.#successor(bytes, length, isOwned);
    if (!this.#isBusy) {
      // Nobody asked: whatever this is, it must not be taken for the answer to the next request.
      this.destroy();
      return true;
    }
    this.#hasHeard = true;
    const unread = this.#unread;
    unread.add(bytes, length);
    this.#isInUse = false;
    this.#readOn();
    if (isOwned) return !this.#isInUse && unread.bytes === null;
    if (unread.bytes === bytes) unread.detach();
    return true;
  }

  #readOn(): void {
    if (this.#isReadingOn) return;
    this.#isReadingOn = true;
    const unread = this.#unread;
    while (unread.bytes !== null && !this.#isPaused && !this.#isGone && this.#step(unread.bytes));
    this.#isReadingOn = false;
    this.#observer?.responseFlush();
  }

  /** Deals with the next part of the answer. False: nothing more can be done now. */
  #step(bytes: Buffer): boolean {
    const reader = this.#reader;
    const { from, end } = this.#unread;
    switch (reader.read(bytes, from, end)) {
      case 'nothing':
        return false;
      case 'malformed':
        return this.#fail({ kind: 'malformed', violation: reader.violation });
      case 'excess':
        // The answer stands; the connection goes when the exchange is over.
        reader.head!.isPersistent = false;
        this.#unread.clear();
        return false;
      case 'informational':
        this.#unread.take(reader.consumed);
        this.#observer?.responseInformational(reader.latest!);
        return true;
      case 'head':
        this.#unread.take(reader.consumed);
        this.#observer?.responseHead(reader.head!);
        return !this.#settle();
      case 'switched':
        this.#unread.take(reader.consumed);
        this.#handOver(reader.head!);
        return false;
      default:
        this.#unread.take(reader.consumed);
        if (reader.dataEnd > from) this.#deliver(bytes.subarray(from, reader.dataEnd));
        return !this.#settle() && !this.#isGone;
    }
  }

  /** Lets go of the socket: what happens to it is no longer heard here, and the pool has a place more. */
  #handOver(head: ResponseHead): void {
    const observer = this.#observer;
    const early = this.#unread.bytes === null ? null : Buffer.from(this.#unread.rest());
    if (observer === null) {
      this.destroy();
      return;
    }
    this.#observer = null;
    this.#unread.clear();
    this.#isBusy = false;
    this.#isGone = true;
    this.#keeper.gone(this);
    const listen = (listener: BytesListener): void => {
      this.#successor = listener;
    };
    observer.responseSwitched(head, { socket: this.socket, early, listen });
  }

  #deliver(chunk: Buffer): void {
    if (this.#discarded < 0) {
      if (this.#observer?.responseData(chunk) === false) this.#isInUse = true;
      return;
    }
    this.#discarded += chunk.length;
    if (this.#discarded > MAX_DISCARD) this.destroy();
  }

  /** True when the whole answer has arrived. */
  #isAnswerWhole(): boolean {
    return this.#reader.isWhole || (this.#hasServerEnded && this.#reader.head?.framing === 'close');
  }

  /** Ends the exchange if the answer is whole and nobody asked to wait. True when it did. */
  #settle(): boolean {
    if (this.#isPaused || !this.#isBusy || !this.#isAnswerWhole()) return false;
    const { head, trailers } = this.#reader;
    const isAllRead = this.#unread.bytes === null;
    if (head!.framing === 'close' && !isAllRead) return false;
    const observer = this.#observer;
    const canKeep = head!.isPersistent && this.#isRequestDone && isAllRead && !this.#isGone;
    this.#observer = null;
    this.#isBusy = false;
    this.#dropSource();
    if (canKeep) this.#keeper.released(this, head!.keepAliveMs);
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
    if (this.#isBusy && this.#isAnswerWhole()) {
      this.#reader.head!.isPersistent = false;
      return false;
    }
    const observer = this.#observer;
    this.destroy();
    observer?.responseFailed(fault);
    return false;
  }

  /** What was held back goes first: its sender may have nothing more to say for now. */
  #drained(): void {
    if (this.#writer.flush()) this.#source?.resume();
  }

  #dropSource(): void {
    this.#source?.detach(this);
    this.#source = null;
  }
}
