import type { ResponseHead } from '../http1/response-head.ts';
import { type Violation, violations } from '../http1/violation.ts';
import type { HeadReader } from './undici-head.ts';

/** What is read of an answer that nobody wants, to keep the connection. */
const MAX_DISCARD = 64 * 1024;

/** Holds an answer that somebody else has parsed to our rules: its heads, and that its content is what they announce. */
export class AnswerCheck {
  /** The final head, once it has come. */
  head: ResponseHead | null = null;
  readonly #reader: HeadReader;
  readonly #method: string;
  readonly #maxInformational: number;
  #informational = 0;
  #received = 0;
  /** Content that came since nobody wants it; -1: it is wanted. */
  #discarded = -1;

  /** `maxInformational`: heads before the final one. */
  constructor(reader: HeadReader, method: string, maxInformational: number) {
    this.#reader = reader;
    this.#method = method;
    this.#maxInformational = maxInformational;
  }

  /** From now on content is not wanted. */
  discard(): void {
    this.#discarded = 0;
  }

  get isDiscarding(): boolean {
    return this.#discarded >= 0;
  }

  /** True when more came than is worth reading to keep a connection. */
  get isTooMuch(): boolean {
    return this.#discarded > MAX_DISCARD;
  }

  /** The head in `text`, or the rule that it breaks. It holds until the next is read. */
  read(text: string): ResponseHead | Violation {
    const head = this.#reader.read(text, this.#method);
    if ('rule' in head) return head;
    if (!head.isInformational) {
      this.head = head;
      return head;
    }
    this.#informational += 1;
    if (head.status === 101) return violations.switched;
    return this.#informational > this.#maxInformational ? violations.informational : head;
  }

  /** Content must be what the head announced: by that the pipeline frames it for the client. */
  addContent(length: number): Violation | null {
    const { head } = this;
    this.#received += length;
    if (this.#discarded >= 0) this.#discarded += length;
    if (head === null || head.framing === 'none') return violations.body_size;
    return head.framing === 'length' && this.#received > head.contentLength ? violations.body_size : null;
  }

  /** What is wrong when nothing more comes. */
  ended(): Violation | null {
    const { head } = this;
    const isShort = head?.framing === 'length' && this.#received < head.contentLength;
    return head === null || isShort ? violations.body_size : null;
  }
}
