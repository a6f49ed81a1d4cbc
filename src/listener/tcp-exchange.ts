import type { Socket } from 'node:net';
import type { RequestHead } from '../http1/request-head.ts';
import type { ClientSide, ExchangeObserver } from '../http1/server-exchange.ts';
import { askForMore } from '../lib/ask-for-more.ts';
import type { RosterMember } from '../lib/roster.ts';
import type { Exchange } from '../proxy/exchange.ts';

/** What a client may send before there is an upstream to take it. Beyond that it is left with the client. */
const MAX_EARLY_BYTES = 64 * 1024;

/**
 * A client's plain TCP connection as an exchange that asks for a tunnel. There is no way to tell it in words why it
 * cannot have one: it is reset, as a port is on which nobody listens.
 */
export class TcpExchange implements Exchange, RosterMember {
  readonly protocol = 'tcp';
  readonly head: RequestHead;
  readonly socket: Socket;
  readonly receivedAt: number;
  observer: ExchangeObserver | null = null;
  isAnswered = false;
  rosterIndex = -1;
  readonly hasBody = false;
  readonly isRequestDone = true;
  readonly canPersist = false;
  readonly isOut = true;
  readonly requestBytes = 0;
  readonly responseBytes = 0;
  readonly length = 0;
  readonly isReplayable = true;

  readonly #early: Buffer[] = [];
  #earlyBytes = 0;
  readonly #onData = (chunk: Buffer): void => this.#keep(chunk);
  readonly #onError = (): void => this.#left();
  readonly #onClose = (): void => this.#left();

  /** `now`: when the connection came. */
  constructor(socket: Socket, head: RequestHead, now: number) {
    this.socket = socket;
    this.receivedAt = now;
    this.head = head;
    // It is read before anybody wants its bytes: a reset is heard by nobody who does not read.
    socket.on('data', this.#onData);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  switchOver(): ClientSide {
    const { socket } = this;
    socket.off('data', this.#onData).off('error', this.#onError).off('close', this.#onClose);
    const early = this.#earlyBytes === 0 ? null : Buffer.concat(this.#early);
    this.#early.length = 0;
    return { socket, early };
  }

  /** Our own answer, of which nothing can be said. */
  respond(): void {
    this.isAnswered = true;
  }

  finish(): void {
    this.observer = null;
    this.socket.resetAndDestroy();
  }

  cut(): void {
    this.observer = null;
    this.socket.destroy();
  }

  whenOut(done: () => void): void {
    done();
  }

  write(): boolean {
    return true;
  }

  flush(): boolean {
    return true;
  }

  inform(): void {}

  goOn(): void {}

  broken(): void {}

  attach(): void {}

  detach(): void {}

  pause(): void {}

  resume(): void {}

  /** Breaks it off because the process ends: whoever works for it hears first. */
  abandon(): void {
    this.observer?.clientGone();
    this.socket.destroy();
  }

  #keep(chunk: Buffer): void {
    askForMore(this.socket);
    this.#early.push(chunk);
    this.#earlyBytes += chunk.length;
    if (this.#earlyBytes >= MAX_EARLY_BYTES) this.socket.pause();
  }

  #left(): void {
    this.observer?.clientGone();
  }
}
