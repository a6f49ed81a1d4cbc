import { FieldTable } from './field-table.ts';
import {
  CLASS,
  COLON,
  CR,
  FIELD_TEXT,
  isBlank,
  LF,
  REQUEST_FIELD_NAME,
  SP,
  TARGET,
  TOKEN,
  VERSION,
} from './grammar.ts';
import { takePlainFields } from './plain-fields.ts';
import { type Violation, violations } from './violation.ts';

/** What the scanner reads: a request's head, a response's, or the trailer section of a chunked body. */
export type HeadKind = 'request' | 'response' | 'trailers';

export type ScanResult = 'incomplete' | 'complete' | 'malformed';

/** Bounds of one section, in bytes and fields. */
export interface HeadBounds {
  readonly lineBytes: number;
  readonly headBytes: number;
  readonly fields: number;
}

const MAX_METHOD = 32;
const MAX_EMPTY_LINES = 4;

// What the next byte belongs to.
const START = 0;
const START_LF = 1;
const METHOD = 2;
const TARGET_TEXT = 3;
const VERSION_TEXT = 4;
const LINE_LF = 5;
const STATUS_VERSION = 6;
const REASON = 7;
const FIELD_START = 8;
const NAME = 9;
const BEFORE_VALUE = 10;
const VALUE = 11;
const END_LF = 12;

/**
 * Reads a head byte by byte and never looks back, so that the first violation in the order of the bytes is the one
 * reported, however the bytes were split over packets. It keeps offsets, counted from the message's first byte, and no
 * text. The caller keeps an unfinished head's bytes in one piece and calls again with more of them.
 */
export class HeadScanner {
  readonly fields = new FieldTable();
  /** Why {@link scan} said `malformed`. */
  violation: Violation = violations.line_end;
  /** Bytes of empty lines that stood before the message. */
  skipped = 0;
  /** Length of the head with its last line end, counted after {@link skipped}. */
  length = 0;
  /** Ends of the start line's three parts, counted after {@link skipped}. */
  firstEnd = 0;
  secondEnd = 0;
  lineEnd = 0;

  readonly #kind: HeadKind;
  readonly #bounds: HeadBounds;
  readonly #nameClass: number;
  #state = START;
  /** Next byte to look at, counted from the first byte given. */
  #at = 0;
  #emptyLines = 0;
  #nameStart = 0;
  #nameEnd = 0;
  #valueStart = 0;

  constructor(kind: HeadKind, bounds: HeadBounds) {
    this.#kind = kind;
    this.#bounds = bounds;
    this.#nameClass = kind === 'request' ? REQUEST_FIELD_NAME : TOKEN;
    this.reset();
  }

  /** True before the first byte of a message, empty lines aside. */
  get isAtStart(): boolean {
    return this.#state === START || this.#state === START_LF;
  }

  /** Makes ready for the next message; the fields of the last one are forgotten. */
  reset(): void {
    this.fields.clear();
    this.#state = this.#kind === 'trailers' ? FIELD_START : START;
    this.#at = 0;
    this.#emptyLines = 0;
    this.skipped = 0;
    this.length = 0;
  }

  /**
   * Goes on in the message that begins at `bytes[base]`, up to `end`. The bytes before where it stopped must be the
   * same as in the call before, at the same distance from `base`.
   */
  scan(bytes: Uint8Array, base: number, end: number): ScanResult {
    let i = base + this.#at;
    let state = this.#state;
    const headBytes = this.#bounds.headBytes;
    while (i < end) {
      const first = base + this.skipped;
      if (i - first >= headBytes)
        return this.#fail(this.#kind === 'trailers' ? violations.trailer_size : violations.head_size);
      const stop = end - first > headBytes ? first + headBytes : end;
      switch (state) {
        case VALUE: {
          while (i < stop && (CLASS[bytes[i]!]! & FIELD_TEXT) !== 0) i += 1;
          if (i === stop) break;
          if (bytes[i] !== CR) return this.#fail(violations.field_value);
          this.#addField(bytes, base, first, i);
          i += 1;
          state = LINE_LF;
          break;
        }
        case NAME: {
          while (i < stop && (CLASS[bytes[i]!]! & this.#nameClass) !== 0) i += 1;
          if (i === stop) break;
          if (bytes[i] !== COLON) return this.#failName(bytes[i]!);
          this.#nameEnd = i - first;
          i += 1;
          state = BEFORE_VALUE;
          break;
        }
        case BEFORE_VALUE: {
          while (i < stop && isBlank(bytes[i]!)) i += 1;
          if (i === stop) break;
          this.#valueStart = i - first;
          state = VALUE;
          break;
        }
        case FIELD_START: {
          i = takePlainFields(
            { bytes, first, from: i, stop },
            this.fields,
            this.#nameClass,
            this.#bounds.fields,
          );
          if (i === stop) break;
          const byte = bytes[i]!;
          if (byte === CR) {
            state = END_LF;
            i += 1;
            break;
          }
          if ((CLASS[byte]! & this.#nameClass) === 0) return this.#failName(byte);
          if (this.fields.count >= this.#bounds.fields) return this.#fail(violations.field_count);
          this.#nameStart = i - first;
          state = NAME;
          break;
        }
        case LINE_LF: {
          if (bytes[i] !== LF) return this.#fail(violations.line_end);
          i += 1;
          state = FIELD_START;
          break;
        }
        case END_LF: {
          if (bytes[i] !== LF) return this.#fail(violations.line_end);
          this.length = i + 1 - first;
          return 'complete';
        }
        default: {
          const next = this.#startLine(state, bytes, base, i, stop);
          if (next < 0) return 'malformed';
          state = this.#state;
          i = next;
        }
      }
    }
    this.#state = state;
    this.#at = i - base;
    return 'incomplete';
  }

  /** One step in the start line: returns where to go on, or -1. The new state is left in the field. */
  #startLine(state: number, bytes: Uint8Array, base: number, from: number, stop: number): number {
    const first = base + this.skipped;
    const lineStop = Math.min(stop, first + this.#bounds.lineBytes);
    let i = from;
    switch (state) {
      case START:
        if (bytes[i] === CR && this.#kind === 'request') {
          if (this.#emptyLines === MAX_EMPTY_LINES) return this.#refuse(violations.empty_lines);
          return this.#step(START_LF, i + 1);
        }
        return this.#step(this.#kind === 'request' ? METHOD : STATUS_VERSION, i);
      case START_LF:
        if (bytes[i] !== LF) return this.#refuse(violations.line_end);
        this.#emptyLines += 1;
        this.skipped = i + 1 - base;
        return this.#step(START, i + 1);
      case METHOD: {
        const methodStop = Math.min(lineStop, first + MAX_METHOD + 1);
        while (i < methodStop && (CLASS[bytes[i]!]! & TOKEN) !== 0) i += 1;
        if (i === first + MAX_METHOD + 1) return this.#refuse(violations.method_unknown);
        if (i === lineStop) return this.#outOfLine(METHOD, i, lineStop, stop, first);
        if (bytes[i] !== SP || i === first) return this.#refuse(violations.method);
        this.firstEnd = i - first;
        return this.#step(TARGET_TEXT, i + 1);
      }
      case TARGET_TEXT: {
        while (i < lineStop && (CLASS[bytes[i]!]! & TARGET) !== 0) i += 1;
        if (i === lineStop) return this.#outOfLine(TARGET_TEXT, i, lineStop, stop, first);
        if (bytes[i] !== SP || i === first + this.firstEnd + 1) return this.#refuse(violations.target);
        this.secondEnd = i - first;
        return this.#step(VERSION_TEXT, i + 1);
      }
      case VERSION_TEXT: {
        while (i < lineStop && (CLASS[bytes[i]!]! & VERSION) !== 0) i += 1;
        if (i === lineStop) return this.#outOfLine(VERSION_TEXT, i, lineStop, stop, first);
        if (bytes[i] !== CR) return this.#refuse(violations.version);
        this.lineEnd = i - first;
        return this.#step(LINE_LF, i + 1);
      }
      case STATUS_VERSION: {
        while (i < lineStop && (CLASS[bytes[i]!]! & VERSION) !== 0) i += 1;
        if (i === lineStop) return this.#outOfLine(STATUS_VERSION, i, lineStop, stop, first);
        if (bytes[i] !== SP) return this.#refuse(violations.status_line);
        this.firstEnd = i - first;
        return this.#step(REASON, i + 1);
      }
      default: {
        while (i < lineStop && (CLASS[bytes[i]!]! & FIELD_TEXT) !== 0) i += 1;
        if (i === lineStop) return this.#outOfLine(REASON, i, lineStop, stop, first);
        if (bytes[i] !== CR) return this.#refuse(violations.status_line);
        this.lineEnd = i - first;
        return this.#step(LINE_LF, i + 1);
      }
    }
  }

  #addField(bytes: Uint8Array, base: number, first: number, lineEnd: number): void {
    let valueEnd = lineEnd;
    const valueStart = first + this.#valueStart;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1]!)) valueEnd -= 1;
    this.fields.add(
      bytes,
      base + this.skipped,
      this.#nameStart,
      this.#nameEnd,
      this.#valueStart,
      valueEnd - first,
    );
  }

  /** The line's bytes have run out: either more will come, or the line is longer than allowed. */
  #outOfLine(state: number, i: number, lineStop: number, stop: number, first: number): number {
    const isFull = lineStop < stop || i - first >= this.#bounds.lineBytes;
    if (isFull)
      return this.#refuse(this.#kind === 'request' ? violations.request_line_size : violations.head_size);
    return this.#step(state, i);
  }

  #step(state: number, i: number): number {
    this.#state = state;
    return i;
  }

  #refuse(violation: Violation): number {
    this.violation = violation;
    return -1;
  }

  #fail(violation: Violation): 'malformed' {
    this.violation = violation;
    return 'malformed';
  }

  #failName(byte: number): 'malformed' {
    return this.#fail(byte === 0x5f ? violations.field_name_underscore : violations.field_name);
  }
}
