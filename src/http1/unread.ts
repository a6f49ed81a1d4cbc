/** What has been read from a socket and is not dealt with yet: some bytes within a buffer. */
export class Unread {
  /** Where they stand; null: there are none. */
  bytes: Buffer | null = null;
  /** The first of them. */
  from = 0;
  /** Behind the last of them. */
  end = 0;

  /** More has been read: the first `length` of `bytes`. They are copied only where some are left from before. */
  add(bytes: Buffer, length: number): void {
    if (this.bytes === null) this.#keep(bytes, length);
    else {
      const all = Buffer.concat([this.rest(), bytes.subarray(0, length)]);
      this.#keep(all, all.length);
    }
  }

  /** Those before `to` are dealt with. */
  take(to: number): void {
    this.from = to;
    if (to >= this.end) this.bytes = null;
  }

  clear(): void {
    this.bytes = null;
  }

  get length(): number {
    return this.bytes === null ? 0 : this.end - this.from;
  }

  /** The bytes themselves, not copied; there are some. */
  rest(): Buffer {
    return this.bytes!.subarray(this.from, this.end);
  }

  /** Moves them to memory of their own: what they stand in is about to be read over. */
  detach(): void {
    if (this.bytes === null) return;
    const copy = Buffer.from(this.rest());
    this.#keep(copy, copy.length);
  }

  #keep(bytes: Buffer, length: number): void {
    this.bytes = bytes;
    this.from = 0;
    this.end = length;
  }
}
