import type { BodyConsumer, BodySource } from '../../src/http1/body.ts';

/** A request's content that the test delivers piece by piece. What was delivered can be delivered again. */
export class GivenContent implements BodySource {
  readonly length: number;
  isReplayable = true;
  isPaused = false;
  /** How often a consumer was attached. */
  attached = 0;
  consumer: BodyConsumer | null = null;
  readonly #pieces: Buffer[] = [];
  #isWhole = false;

  /** `length` -1: chunked. */
  constructor(length = -1) {
    this.length = length;
  }

  attach(consumer: BodyConsumer): void {
    this.attached += 1;
    this.consumer = consumer;
    this.isPaused = false;
    for (const piece of this.#pieces) consumer.bodyData(piece);
    if (this.#isWhole) consumer.bodyEnd('');
  }

  detach(consumer: BodyConsumer): void {
    if (this.consumer === consumer) this.consumer = null;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  give(piece: string | Buffer): void {
    const bytes = Buffer.from(piece as string);
    this.#pieces.push(bytes);
    this.consumer?.bodyData(bytes);
  }

  end(): void {
    this.#isWhole = true;
    this.consumer?.bodyEnd('');
  }
}
