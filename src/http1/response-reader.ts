import { BodyReader } from './body.ts';
import { HeadScanner } from './head-scanner.ts';
import type { ClientBounds } from './limits.ts';
import { ResponseHead } from './response-head.ts';
import { type Violation, violations } from './violation.ts';

/** What {@link ResponseReader.read} has found. */
export type ResponsePart =
  /** It needs more bytes. */
  | 'nothing'
  /** Another informational head. */
  | 'informational'
  | 'head'
  /** The final head: what follows is the protocol that it switches to. */
  | 'switched'
  /** Content, from where reading began to `dataEnd`. */
  | 'data'
  /** Bytes after the whole answer. */
  | 'excess'
  | 'malformed';

/** Finds the parts of one answer in a connection's bytes, one at a time. */
export class ResponseReader {
  /** The final head, once it has come. */
  head: ResponseHead | null = null;
  /** The head that was found last: the final one or an informational one. */
  latest: ResponseHead | null = null;
  violation: Violation = violations.status_line;
  /** After {@link read}: the first byte that it did not take. */
  consumed = 0;
  dataEnd = 0;

  readonly #bounds: ClientBounds;
  readonly #scanner: HeadScanner;
  #method = '';
  #offered = '';
  #informational = 0;
  #mustReset = true;
  #body: BodyReader | null = null;

  constructor(bounds: ClientBounds) {
    this.#bounds = bounds;
    this.#scanner = new HeadScanner('response', bounds.head);
  }

  /** Makes ready for the answer to a request with `method` that offered these protocols to switch to. */
  begin(method: string, offered: string): void {
    this.#method = method;
    this.#offered = offered;
    this.#informational = 0;
    this.#body = null;
    this.head = null;
    this.#mustReset = true;
  }

  /** The trailer fields that may go on; meaningful when the answer is whole. */
  get trailers(): string {
    return this.#body === null ? '' : this.#body.trailers;
  }

  /** True when the final head and all content have come; content that lasts until the end of the connection never has. */
  get isWhole(): boolean {
    if (this.head === null) return false;
    return this.#body === null ? this.head.framing === 'none' : this.#body.isDone;
  }

  /** Takes the next part from the bytes between `from` and `end`. */
  read(bytes: Buffer, from: number, end: number): ResponsePart {
    if (this.head === null) return this.#readHead(bytes, from, end);
    if (this.isWhole) return 'excess';
    if (this.#body === null) {
      this.consumed = end;
      this.dataEnd = end;
      return 'data';
    }
    this.dataEnd = this.#body.read(bytes, from, end);
    if (this.dataEnd < 0) return this.#malformed(this.#body.violation);
    this.consumed = this.#body.consumed;
    return 'data';
  }

  #readHead(bytes: Buffer, from: number, end: number): ResponsePart {
    const scanner = this.#scanner;
    // Not before: an informational head points into the scanner's table until it has been told of.
    if (this.#mustReset) scanner.reset();
    this.#mustReset = false;
    const result = scanner.scan(bytes, from, end);
    if (result === 'incomplete') return 'nothing';
    if (result === 'malformed') return this.#malformed(scanner.violation);
    const head = new ResponseHead(scanner, bytes.toString('latin1', from, from + scanner.length));
    this.consumed = from + scanner.length;
    this.latest = head;
    const violation = head.interpret(scanner, this.#method);
    if (violation !== null) return this.#malformed(violation);
    return head.isInformational ? this.#informed(head) : this.#begun(head);
  }

  #informed(head: ResponseHead): ResponsePart {
    this.#informational += 1;
    if (head.status === 101) return this.#switched(head);
    if (this.#informational > this.#bounds.informational) return this.#malformed(violations.informational);
    this.#mustReset = true;
    return 'informational';
  }

  /** To something that was offered, and nothing else (RFC 9110 section 7.8). */
  #switched(head: ResponseHead): ResponsePart {
    const isOffered = head.upgrade !== '' && this.#offered.split(', ').includes(head.upgrade);
    if (!isOffered || head.minor === 0) return this.#malformed(violations.switched);
    this.head = head;
    return 'switched';
  }

  #begun(head: ResponseHead): ResponsePart {
    this.head = head;
    if (head.framing === 'length' || head.framing === 'chunked') {
      const length = head.framing === 'chunked' ? -1 : head.contentLength;
      this.#body = new BodyReader(length, this.#bounds.chunked, Number.POSITIVE_INFINITY);
    }
    return 'head';
  }

  #malformed(violation: Violation): 'malformed' {
    this.violation = violation;
    return 'malformed';
  }
}
