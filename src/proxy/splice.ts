import type { Socket } from 'node:net';
import type { OpenConnection } from '../http1/response-observer.ts';
import type { ClientSide } from '../http1/server-exchange.ts';
import { askForMore } from '../lib/ask-for-more.ts';
import { resetSocket } from '../lib/socket-reset.ts';

/** One of the two ends that are joined. */
export type Side = 'client' | 'upstream';

/** How it came to an end. */
export interface SpliceEnd {
  /** Who ended it, or broke it off. */
  readonly by: Side;
  /** Whether both halves were ended in order. */
  readonly isOrderly: boolean;
  /** What broke it off, where that was an error of a socket. */
  readonly error: Error | null;
}

/** Hears what goes through. */
export interface SpliceObserver {
  /** Bytes went by, in either direction. */
  moved(): void;
  /** The upstream has sent its first byte. */
  upstreamSpoke(): void;
  /** Once: both sockets are closed or closing, and nothing more goes through. Not after `abort`. */
  ended(end: SpliceEnd): void;
}

/**
 * Joins a client's socket and an upstream's, byte for byte: what one says the other hears, the end of a half is the end
 * of that half on the other side, a reset is a reset, and who does not take what is written to it stops the one who
 * writes. Nothing is held but what one socket has read and the other has not taken yet.
 */
export class Splice {
  /** From the client to the upstream, and back. */
  sentBytes = 0;
  receivedBytes = 0;

  readonly #client: Socket;
  readonly #upstream: Socket;
  readonly #observer: SpliceObserver;
  /** Who ended its half first; null: nobody has. */
  #first: Side | null = null;
  #closed = 0;
  /** Closed in order without having ended its half first. */
  #closing: Socket | null = null;
  #isOver = false;

  constructor(client: Socket, upstream: Socket, observer: SpliceObserver) {
    this.#client = client;
    this.#upstream = upstream;
    this.#observer = observer;
  }

  /** True once the client has ended its half. */
  get hasClientEnded(): boolean {
    return this.#client.readableEnded;
  }

  /** Begins, with what has been read of both already. */
  join(client: ClientSide, connection: OpenConnection): void {
    this.#watch(this.#client, this.#upstream, 'client');
    this.#watch(this.#upstream, this.#client, 'upstream');
    connection.listen((bytes, length, isOwned) => this.#received(bytes.subarray(0, length), isOwned));
    if (connection.early !== null) this.#received(connection.early, true);
    if (client.early !== null) this.#sent(client.early);
    this.#client.on('data', (chunk: Buffer) => {
      askForMore(this.#client);
      this.#sent(chunk);
    });
    // It may have ended before anybody here listened.
    if (this.#client.readableEnded) this.#halfEnded('client', this.#upstream);
    if (this.#client.writableLength < this.#client.writableHighWaterMark) this.#upstream.resume();
    if (this.#upstream.writableLength < this.#upstream.writableHighWaterMark) this.#client.resume();
  }

  /** Breaks it off, with a reset for both; the observer hears nothing more. */
  abort(): void {
    this.#isOver = true;
    resetSocket(this.#client);
    resetSocket(this.#upstream);
  }

  #watch(socket: Socket, other: Socket, side: Side): void {
    socket.on('drain', () => other.resume());
    socket.on('end', () => this.#halfEnded(side, other));
    socket.on('error', (error) => this.#broke(side, other, error));
    socket.on('close', () => this.#closedSide(side, socket, other));
  }

  #sent(chunk: Buffer): void {
    if (this.#isOver) return;
    this.sentBytes += chunk.length;
    this.#upstream.write(chunk);
    if (isFull(this.#upstream)) this.#client.pause();
    this.#observer.moved();
  }

  #received(bytes: Buffer, isOwned: boolean): boolean {
    if (this.#isOver) return true;
    const isFirst = this.receivedBytes === 0;
    this.receivedBytes += bytes.length;
    // Bytes that are not ours are read over as soon as this returns, and the system may not have taken them by then.
    this.#client.write(isOwned ? bytes : Buffer.from(bytes));
    if (isFull(this.#client)) this.#upstream.pause();
    if (isFirst) this.#observer.upstreamSpoke();
    this.#observer.moved();
    return !isOwned || this.#client.writableLength === 0;
  }

  #halfEnded(side: Side, other: Socket): void {
    this.#first ??= side;
    if (isAllSaid(other)) {
      this.#closing = other;
      other.destroy();
    } else other.end();
  }

  /** Who was reset is told of by a reset: an orderly end would say that all had come. */
  #broke(side: Side, other: Socket, error: Error): void {
    resetSocket(other);
    if (this.#hadDone(side)) this.#end({ by: this.#first ?? side, isOrderly: true, error: null });
    else this.#end({ by: side, isOrderly: false, error });
  }

  /**
   * True for a side that had ended its half, and only refuses to hear more: what TLS says at its end often meets a
   * socket that is closed. An upstream that never said a word has refused everything.
   */
  #hadDone(side: Side): boolean {
    if (side === 'client') return this.#client.readableEnded;
    return this.#upstream.readableEnded && this.receivedBytes > 0;
  }

  #closedSide(side: Side, socket: Socket, other: Socket): void {
    this.#closed += 1;
    // Closed without both of its halves having ended: somebody destroyed it.
    if (!socket.readableEnded || !(socket.writableFinished || socket === this.#closing)) {
      resetSocket(other);
      this.#end({ by: side, isOrderly: false, error: null });
    } else if (this.#closed === 2) this.#end({ by: this.#first ?? side, isOrderly: true, error: null });
  }

  #end(end: SpliceEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#observer.ended(end);
  }
}

/**
 * True where nothing more can come and all that was written is out: then closing says as much as ending first, in one call
 * of the system less. TLS has a last word of its own.
 */
const isAllSaid = (socket: Socket): boolean =>
  socket.readableEnded &&
  socket.writableLength === 0 &&
  socket.errored === null &&
  !socket.destroyed &&
  !('encrypted' in socket);

/** What `write` returns speaks of the moment before the system took anything. */
const isFull = (socket: Socket): boolean => socket.writableLength >= socket.writableHighWaterMark;
