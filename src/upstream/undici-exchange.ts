import type { Socket } from 'node:net';
import type { BodySource } from '../http1/body.ts';
import type { ClientBounds } from '../http1/limits.ts';
import type { Violation } from '../http1/violation.ts';
import type { Failure } from '../policy/outcome.ts';
import { AnswerCheck } from './answer-check.ts';
import { undiciFault, unprovenEnd, wireFault } from './faults.ts';
import { RequestContent } from './request-content.ts';
import { type Controller, type ExchangeObserver, enter, leave } from './undici-handler.ts';
import { type HeadReader, readTrailers, responseTextOf } from './undici-head.ts';

/** What an exchange needs of its connection. */
export interface ExchangeOwner {
  readonly socket: Socket;
  /** True for HTTP/2: the connection carries other exchanges beside this one. */
  readonly isShared: boolean;
  readonly bounds: ClientBounds;
  readonly reader: HeadReader;
  /** undici has told its last of this exchange. */
  exchangeOver(exchange: UndiciExchange): void;
  /** What is left of an answer is read away. */
  discarding(): void;
  destroy(): void;
}

/** What came while nobody wanted to hear it. */
type Held =
  | { readonly kind: 'head'; readonly text: string }
  | { readonly kind: 'data'; readonly chunk: Buffer }
  | { readonly kind: 'end'; readonly trailers: string | Violation; readonly cut: Failure | null };

/** What is held for who has paused before undici is paused too. */
const MAX_HELD = 64 * 1024;

/** undici wants a reason; nobody reads it. */
const givenUp = new Error('given up');

/** One request and its answer, as undici's handler: it holds undici to what we promise to the pipeline (decision 26). */
export class UndiciExchange {
  readonly content: RequestContent | null;
  /** True once a byte of the answer came. */
  hasHeard = false;
  /** What the answer says about how long the connection is kept, in ms; -1: nothing. */
  keepAliveMs = -1;
  readonly #owner: ExchangeOwner;
  readonly #check: AnswerCheck;
  #observer: ExchangeObserver | null;
  #controller: Controller | null = null;
  #bytesBefore = 0;
  /** undici, or the server, said that it was not and will not be dealt with. */
  #isRefused = false;
  /** undici has told its last, or was told to give up. */
  #isOver = false;
  #isPaused = false;
  #willFlush = false;
  readonly #held: Held[] = [];
  #heldBytes = 0;

  constructor(owner: ExchangeOwner, method: string, body: BodySource | null, observer: ExchangeObserver) {
    this.#owner = owner;
    this.#observer = observer;
    this.#check = new AnswerCheck(owner.reader, method, owner.bounds.informational);
    this.content = body === null ? null : new RequestContent(body);
  }

  /** True when not one byte of it was written, or, on a shared connection, when the server said that it did nothing. */
  get isUnsent(): boolean {
    if (this.#controller === null || this.#isRefused) return true;
    return !this.#owner.isShared && this.#owner.socket.bytesWritten === this.#bytesBefore;
  }

  /**
   * undici itself goes on until enough is held: its socket is read all the same, and with a connection that dies while
   * it is paused even an answer that has come whole would be lost.
   */
  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    this.#tellHeld();
    // Never from within another answer.
    if (!this.#isPaused && !this.#isOver) queueMicrotask(() => this.#readOn());
  }

  /** Breaks it off; the observer hears nothing more. */
  cancel(): void {
    this.#observer = null;
    this.#held.length = 0;
    this.#stop();
  }

  /** Reads away, within bounds, what is left of the answer; the observer hears nothing more. */
  discard(): void {
    this.#observer = null;
    this.#check.discard();
    const { head } = this.#check;
    if (this.#owner.isShared || this.content?.isDone === false || head?.isPersistent !== true) {
      this.cancel();
      return;
    }
    if (!this.#isOver) this.#owner.discarding();
    this.resume();
  }

  /** The connection takes no more exchanges, and this one was not begun, or is known to have been left alone. */
  refused(): void {
    this.#isRefused = true;
    this.#isOver = true;
    this.#fail(undiciFault(null, false, true, true));
  }

  // What undici calls.

  onRequestStart(controller: Controller): void {
    // A second time: undici would send again what an HTTP/2 server refused. Whether that is done is not its business.
    this.#isRefused = this.#controller !== null;
    this.#controller ??= controller;
    if (this.#isOver || this.#isRefused) {
      controller.abort(givenUp);
      return;
    }
    this.#bytesBefore = this.#owner.socket.bytesWritten;
  }

  onResponseStarted(): void {
    this.hasHeard = true;
  }

  onResponseStart(controller: Controller, status: number, _fields: unknown, phrase?: string): void {
    this.hasHeard = true;
    const text = responseTextOf(status, phrase ?? '', controller.rawHeaders);
    enter();
    this.#take({ kind: 'head', text });
    leave();
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    enter();
    this.#take({ kind: 'data', chunk });
    leave();
    if (this.#heldBytes >= MAX_HELD) controller.pause();
  }

  onResponseEnd(controller: Controller): void {
    const { isShared, bounds } = this.#owner;
    const trailers = readTrailers(controller.rawTrailers, bounds.chunked);
    enter();
    if (typeof trailers !== 'string' && !isShared) this.#owner.destroy();
    this.#owner.exchangeOver(this);
    const wasOver = this.#isOver;
    this.#isOver = true;
    if (!wasOver) this.#take({ kind: 'end', trailers, cut: this.#cut() });
    leave();
  }

  /** `controller` is null where the request never began. */
  onResponseError(_controller: Controller | null, error: Error): void {
    this.#owner.exchangeOver(this);
    if (this.#isOver) return;
    this.#isOver = true;
    this.#held.length = 0;
    this.content?.destroy();
    const { errored, readableEnded } = this.#owner.socket;
    enter();
    this.#fail(undiciFault(errored ?? error, this.#check.head !== null, this.isUnsent, readableEnded));
    leave();
  }

  /** undici takes a reset for the end of content that lasts until the connection ends. What it was; null: an end. */
  #cut(): Failure | null {
    const { socket, isShared } = this.#owner;
    const { head } = this.#check;
    if (isShared || (head !== null && head.framing !== 'close')) return null;
    // Over TLS nobody can tell whether that was the end.
    if ('encrypted' in socket) return unprovenEnd;
    if (socket.readableEnded) return null;
    return undiciFault(socket.errored, true, false, false);
  }

  #take(held: Held): void {
    if (!this.#isPaused && this.#held.length === 0) {
      this.#tell(held);
      return;
    }
    this.#held.push(held);
    if (held.kind === 'data') this.#heldBytes += held.chunk.length;
  }

  #tellHeld(): void {
    while (!this.#isPaused) {
      const next = this.#held.shift();
      if (next === undefined) return;
      if (next.kind === 'data') this.#heldBytes -= next.chunk.length;
      this.#tell(next);
    }
  }

  #readOn(): void {
    if (!this.#isPaused && !this.#isOver) this.#controller?.resume();
  }

  #tell(held: Held): void {
    try {
      if (held.kind === 'head') this.#tellHead(held.text);
      else if (held.kind === 'data') this.#tellData(held.chunk);
      else this.#tellEnd(held.trailers, held.cut);
    } catch (defect) {
      // undici would take it for a failure of the request.
      process.nextTick(() => {
        throw defect;
      });
    }
  }

  #tellHead(text: string): void {
    const head = this.#check.read(text);
    if ('rule' in head) this.#malformed(head);
    else if (head.isInformational) this.#observer?.exchangeInformational(head);
    else {
      this.keepAliveMs = head.keepAliveMs;
      this.#observer?.exchangeHead(head);
      this.#flushSoon();
    }
  }

  #tellData(chunk: Buffer): void {
    const check = this.#check;
    const violation = check.addContent(chunk.length);
    if (violation !== null) this.#malformed(violation);
    else if (!check.isDiscarding) {
      this.#observer?.exchangeData(chunk);
      this.#flushSoon();
    } else if (check.isTooMuch) this.cancel();
  }

  #tellEnd(trailers: string | Violation, cut: Failure | null): void {
    const violation = typeof trailers === 'string' ? this.#check.ended() : trailers;
    if (violation !== null) this.#malformed(violation);
    else if (cut !== null && this.#check.head?.framing === 'close') this.#fail(cut);
    else {
      // What the client still sends is not wanted any more.
      this.content?.destroy();
      const observer = this.#observer;
      this.#observer = null;
      observer?.exchangeEnded(typeof trailers === 'string' ? trailers : '');
    }
  }

  #malformed(violation: Violation): void {
    this.#held.length = 0;
    this.#stop();
    this.#fail(wireFault({ kind: 'malformed', violation }, this.#check.head !== null, false));
  }

  #fail(failure: Failure): void {
    const observer = this.#observer;
    this.#observer = null;
    observer?.exchangeFailed(failure);
  }

  #stop(): void {
    this.content?.destroy();
    if (this.#isOver) return;
    this.#isOver = true;
    // Where undici has not begun it, it is told so when it does.
    this.#controller?.abort(givenUp);
    if (!this.#owner.isShared) this.#owner.destroy();
  }

  /** undici tells each chunk by itself; what came in one read is written at once. */
  #flushSoon(): void {
    if (this.#willFlush) return;
    this.#willFlush = true;
    queueMicrotask(() => {
      this.#willFlush = false;
      this.#observer?.exchangeFlush();
    });
  }
}
