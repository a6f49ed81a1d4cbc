import type { BodyConsumer, BodySource } from '../http1/body.ts';

/** The memory that all records of request bodies share. */
export class ReplayPool {
  readonly #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** False when there is no room; then nothing is taken. */
  take(bytes: number): boolean {
    if (this.#usedBytes + bytes > this.#limitBytes) return false;
    this.#usedBytes += bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

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
  obstacle: 'body_too_large' | 'replay_full' | null = null;

  readonly #source: BodySource;
  readonly #pool: ReplayPool;
  readonly #limitBytes: number;
  readonly #observer: ContentObserver;
  #record: Buffer[] = [];
  #recordBytes = 0;
  #isRecording = true;
  #trailers: string | null = null;
  #consumer: BodyConsumer | null = null;
  #isPaused = false;
  #isLive = false;

  /** `limitBytes` 0: nothing is recorded. */
  constructor(source: BodySource, pool: ReplayPool, limitBytes: number, observer: ContentObserver) {
    this.#source = source;
    this.#pool = pool;
    this.#limitBytes = limitBytes;
    this.#observer = observer;
    this.length = source.length;
  }

  get isReplayable(): boolean {
    return this.obstacle === null && this.#isRecording;
  }

  /** True while whoever sends it on would take more, and the client does not send it. */
  get isStarved(): boolean {
    return this.#isLive && !this.#isPaused && this.#trailers === null;
  }

  attach(consumer: BodyConsumer): void {
    this.#consumer = consumer;
    this.#isPaused = false;
    this.#isLive = false;
    for (const chunk of this.#record) consumer.bodyData(chunk);
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
    if (this.#isRecording) this.#keep(chunk);
    this.#consumer?.bodyData(chunk);
  }

  bodyEnd(trailers: string): void {
    this.#trailers = trailers;
    this.#consumer?.bodyEnd(trailers);
  }

  /** Nothing will be sent again: the record's memory goes back. */
  forget(): void {
    this.#isRecording = false;
    this.#pool.giveBack(this.#recordBytes);
    this.#recordBytes = 0;
    this.#record = [];
  }

  /** The record has been told; what follows comes from the client. */
  #goLive(): void {
    if (this.#consumer === null || this.#isPaused || this.#isLive) return;
    if (this.#trailers !== null) {
      this.#consumer.bodyEnd(this.#trailers);
      return;
    }
    this.#isLive = true;
    this.#source.attach(this);
  }

  #keep(chunk: Buffer): void {
    if (this.#recordBytes + chunk.length > this.#limitBytes) this.#drop('body_too_large');
    else if (!this.#pool.take(chunk.length)) this.#drop('replay_full');
    else {
      this.#record.push(chunk);
      this.#recordBytes += chunk.length;
    }
  }

  #drop(obstacle: 'body_too_large' | 'replay_full'): void {
    this.obstacle = obstacle;
    this.forget();
  }
}
