import type { BodyConsumer, BodySource } from '../http1/body.ts';
import { BodyRecord, type RecordObstacle, type ReplayPool } from './body-record.ts';

/** Hears that content has moved. */
export interface ContentObserver {
  moved(): void;
}

/**
 * A request's content, recorded while it streams, so that a second attempt can have it from the beginning and go on
 * with the client's stream. Nothing is ever waited for; beyond the limit the record is dropped and why is kept.
 */
export class Replay implements BodySource, BodyConsumer {
  readonly length: number;
  /** Why the content cannot be sent again; null while it can. */
  obstacle: RecordObstacle | null = null;

  readonly #source: BodySource;
  readonly #observer: ContentObserver;
  /** null: there is none any more. */
  #record: BodyRecord | null;
  #trailers: string | null = null;
  #consumer: BodyConsumer | null = null;
  #isPaused = false;
  #isLive = false;

  /** `limitBytes` 0: nothing is recorded. */
  constructor(source: BodySource, pool: ReplayPool, limitBytes: number, observer: ContentObserver) {
    this.#source = source;
    this.#observer = observer;
    this.length = source.length;
    this.#record = new BodyRecord(pool, limitBytes, source.length);
  }

  get isReplayable(): boolean {
    return this.#record !== null;
  }

  /** True while whoever sends it on would take more, and the client does not send it. */
  get isStarved(): boolean {
    return this.#isLive && !this.#isPaused && this.#trailers === null;
  }

  attach(consumer: BodyConsumer): void {
    // First of all: nothing may come from the client while the record is told, nor after it if that made one pause.
    if (this.#consumer !== null) this.detach(this.#consumer);
    this.#consumer = consumer;
    this.#isPaused = false;
    this.#record?.tell(consumer);
    this.#goLive();
  }

  detach(consumer: BodyConsumer): void {
    if (this.#consumer !== consumer) return;
    this.#consumer = null;
    this.#isLive = false;
    this.#source.detach(this);
  }

  pause(): void {
    this.#isPaused = true;
    if (this.#isLive) this.#source.pause();
  }

  resume(): void {
    this.#isPaused = false;
    if (this.#isLive) this.#source.resume();
    else this.#goLive();
  }

  bodyData(chunk: Buffer): void {
    this.#observer.moved();
    this.#keep(chunk);
    this.#consumer?.bodyData(chunk);
  }

  bodyEnd(trailers: string): void {
    this.#trailers = trailers;
    this.#end(trailers);
  }

  /** Nothing will be sent again: the record's memory goes back. */
  forget(): void {
    this.#record?.clear();
    this.#record = null;
  }

  /** The record has been told; what follows comes from the client. */
  #goLive(): void {
    if (this.#consumer === null || this.#isPaused || this.#isLive) return;
    if (this.#trailers !== null) {
      this.#end(this.#trailers);
      return;
    }
    this.#isLive = true;
    this.#source.attach(this);
  }

  /** Its last word: whoever asks to go on after it must not hear it again. */
  #end(trailers: string): void {
    const consumer = this.#consumer;
    this.#consumer = null;
    this.#isLive = false;
    consumer?.bodyEnd(trailers);
  }

  #keep(chunk: Buffer): void {
    if (this.#record === null) return;
    const obstacle = this.#record.append(chunk);
    if (obstacle === null) return;
    this.obstacle = obstacle;
    this.forget();
  }
}
