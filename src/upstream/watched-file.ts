import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../lib/clock.ts';
import { isShortOfDescriptors } from '../lib/shortage.ts';

/** How long what was read is believed without looking whether the file has changed. */
const CHECK_EVERY_MS = 1000;

/**
 * What a small local file says: read when first asked for, and again when it has changed, which is looked at once a
 * second at most, and only when somebody asks. A file that is missing or cannot be read is an empty one, unless it is only
 * for want of a descriptor.
 */
export class WatchedFile<T> {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #parse: (text: string) => T;
  #checkAt = Number.NEGATIVE_INFINITY;
  #version = '';
  #content: T;

  constructor(path: string, clock: Clock, parse: (text: string) => T) {
    this.#path = path;
    this.#clock = clock;
    this.#parse = parse;
    this.#content = parse('');
  }

  /** The same object until the file has changed. */
  get content(): T {
    const now = this.#clock.now();
    if (now >= this.#checkAt) {
      this.#checkAt = now + CHECK_EVERY_MS;
      this.#refresh();
    }
    return this.#content;
  }

  #refresh(): void {
    try {
      const stat = statSync(this.#path);
      const version = `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
      if (version === this.#version) return;
      this.#content = this.#parse(readFileSync(this.#path, 'utf8'));
      this.#version = version;
    } catch (error) {
      // What it said holds until it can be read again.
      if (isShortOfDescriptors(error)) return;
      if (this.#version !== '') this.#content = this.#parse('');
      this.#version = '';
    }
  }
}
