import { Readable } from 'node:stream';
import type { BodyConsumer, BodySource } from '../http1/body.ts';

/** What is held between the client's connection and undici before the client is told to wait. */
const HELD_BYTES = 64 * 1024;

/**
 * A request's content as a stream, for clients that take nothing else. It attaches itself to its source when it is
 * first read, so that an attempt that never began to send has taken nothing.
 */
export class RequestContent extends Readable implements BodyConsumer {
  readonly #source: BodySource;
  #isAttached = false;
  /** True when all content has come. */
  isDone = false;

  constructor(source: BodySource) {
    super({ highWaterMark: HELD_BYTES });
    this.#source = source;
  }

  override _read(): void {
    if (this.isDone) return;
    if (this.#isAttached) {
      this.#source.resume();
      return;
    }
    this.#isAttached = true;
    this.#source.attach(this);
  }

  /** Trailers are lost: undici sends none (decision 26). */
  bodyEnd(): void {
    this.isDone = true;
    this.push(null);
  }

  bodyData(chunk: Buffer): void {
    if (chunk.length > 0 && !this.push(chunk)) this.#source.pause();
  }

  /** Whatever ended it is told elsewhere: an error here would have no listener any more. */
  override _destroy(_error: Error | null, done: () => void): void {
    this.#source.detach(this);
    done();
  }
}
