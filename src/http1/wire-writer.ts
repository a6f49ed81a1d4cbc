import type { Socket } from 'node:net';

/** Up to this size a message is put together as text and written at once: one system call, nothing queued. */
const MAX_HELD = 16 * 1024;
/** Pieces up to this size are copied into the text; larger ones are written as they are and kept until they are out. */
const MAX_COPIED = 8 * 1024;

/**
 * The writing half of a connection. Heads and small pieces are held back and go out together at {@link flush}, which
 * the owner calls when it has nothing more to say for now.
 */
export class WireWriter {
  readonly #socket: Socket;
  /** latin1 text: each character is one byte. */
  #held = '';
  #isChunked = false;
  /** True once a byte was handed to the socket for the present message. */
  hasWritten = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Begins a message. `isChunked`: content that follows is framed in chunks. */
  begin(head: string, isChunked: boolean): void {
    this.#held += head;
    this.#isChunked = isChunked;
    this.hasWritten = false;
  }

  /** True when everything that was given has gone to the system: no piece of content is still in use. */
  get isOut(): boolean {
    return this.#socket.writableLength === 0;
  }

  /** Calls back once all that was given has gone to the system, or never will: the socket was destroyed. */
  whenOut(done: () => void): void {
    if (this.isOut) done();
    // An empty piece is called back after everything before it, and when the socket is destroyed.
    else this.#socket.write('', () => done());
  }

  /** Content. It is in use until {@link isOut}. False: stop until the socket drains. */
  data(chunk: Buffer): boolean {
    if (chunk.length === 0) return this.#hasRoom();
    if (chunk.length <= MAX_COPIED) {
      if (this.#held.length + chunk.length > MAX_HELD) this.flush();
      const text = chunk.toString('latin1');
      this.#held += this.#isChunked ? `${chunk.length.toString(16)}\r\n${text}\r\n` : text;
      return this.#hasRoom();
    }
    const socket = this.#socket;
    socket.cork();
    if (this.#isChunked) this.#held += `${chunk.length.toString(16)}\r\n`;
    this.flush();
    this.hasWritten = true;
    socket.write(chunk);
    if (this.#isChunked) this.#held = '\r\n';
    socket.uncork();
    return this.#hasRoom();
  }

  /** Ends the message's content. `trailers`: field lines, sent where the content is chunked. False as {@link data}. */
  end(trailers: string): boolean {
    if (this.#isChunked) this.#held += `0\r\n${trailers}\r\n`;
    return this.flush();
  }

  /** Writes what is held back. False: stop until the socket drains. */
  flush(): boolean {
    const held = this.#held;
    if (held.length === 0) return this.#hasRoom();
    this.#held = '';
    this.hasWritten = true;
    this.#socket.write(held, 'latin1');
    return this.#hasRoom();
  }

  /** What `write` returns speaks of the moment before the system took anything; mostly it takes everything at once. */
  #hasRoom(): boolean {
    return this.#socket.writableLength < this.#socket.writableHighWaterMark;
  }
}
