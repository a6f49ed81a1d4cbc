import type { BodyConsumer } from '../http1/body.ts';

/** The memory that all records of request bodies share. */
export class ReplayPool {
  #limitBytes: number;
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

  /** Takes another limit over; records that are held stay. */
  resize(limitBytes: number): void {
    this.#limitBytes = limitBytes;
  }

  giveBack(bytes: number): void {
    this.#usedBytes -= bytes;
  }
}

/** Why content could not be recorded. */
export type RecordObstacle = 'body_too_large' | 'replay_full';

const BLOCK_BYTES = 8 * 1024;

/**
 * A copy of a request's content. It is gathered into blocks, so that what is counted is what is held: content that comes
 * in single bytes would otherwise cost a hundred times its length, and a piece of a packet would keep the whole packet.
 */
export class BodyRecord {
  readonly #pool: ReplayPool;
  readonly #limitBytes: number;
  readonly #firstBlockBytes: number;
  readonly #blocks: Buffer[] = [];
  /** Content in the last block. */
  #lastUsed = 0;
  #bytes = 0;
  #held = 0;

  /** `length`: how much is expected; -1: nobody knows. */
  constructor(pool: ReplayPool, limitBytes: number, length: number) {
    this.#pool = pool;
    this.#limitBytes = limitBytes;
    this.#firstBlockBytes = length > 0 ? Math.min(length, limitBytes) : BLOCK_BYTES;
  }

  /** null: it was recorded. Otherwise the record is of no use any more. */
  append(chunk: Buffer): RecordObstacle | null {
    this.#bytes += chunk.length;
    if (this.#bytes > this.#limitBytes) return 'body_too_large';
    let from = 0;
    while (from < chunk.length) {
      const block = this.#lastBlock();
      if (block === null) return 'replay_full';
      const copied = chunk.copy(block, this.#lastUsed, from);
      this.#lastUsed += copied;
      from += copied;
    }
    return null;
  }

  /** Tells it all from the beginning. */
  tell(consumer: BodyConsumer): void {
    for (const block of this.#blocks) {
      const isLast = block === this.#blocks.at(-1);
      consumer.bodyData(isLast ? block.subarray(0, this.#lastUsed) : block);
    }
  }

  /** Gives its memory back. */
  clear(): void {
    this.#pool.giveBack(this.#held);
    this.#held = 0;
    this.#blocks.length = 0;
  }

  /** A block with room in it; null when the pool is used up. */
  #lastBlock(): Buffer | null {
    const last = this.#blocks.at(-1);
    if (last !== undefined && this.#lastUsed < last.length) return last;
    const size = last === undefined ? this.#firstBlockBytes : BLOCK_BYTES;
    if (!this.#pool.take(size)) return null;
    const block = Buffer.allocUnsafeSlow(size);
    this.#held += size;
    this.#blocks.push(block);
    this.#lastUsed = 0;
    return block;
  }
}
