import { Field } from './field-table.ts';
import { CLASS, CR, FIELD_TEXT, HEX, hexValue, LF, SEMICOLON, TOKEN } from './grammar.ts';
import { HeadScanner } from './head-scanner.ts';
import { type Violation, violations } from './violation.ts';

/** Bounds of a chunked body's overhead. */
export interface ChunkedBounds {
  /** Extensions of one chunk; all chunks together may have sixteen times as much. */
  readonly extensionBytes: number;
  readonly trailerBytes: number;
  readonly fields: number;
}

const SIZE = 0;
const EXTENSION_NAME = 1;
const EXTENSION_VALUE = 2;
const QUOTED = 3;
const QUOTED_PAIR = 4;
const AFTER_QUOTED = 5;
const SIZE_LF = 6;
const DATA = 7;
const DATA_CR = 8;
const DATA_LF = 9;
const TRAILERS = 10;
const DONE = 11;

const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const MAX_SIZE_DIGITS = 13;
const EXTENSION_TOTAL = 16;

/** Trailer fields that would change what the head said (RFC 9110 section 6.5.1): they are dropped. */
const FORBIDDEN_TRAILERS = new Set([
  'authorization',
  'proxy-authorization',
  'proxy-authenticate',
  'www-authenticate',
  'set-cookie',
  'cookie',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'expect',
  'max-forwards',
  'age',
  'date',
  'expires',
  'location',
  'retry-after',
  'vary',
  'warning',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
]);

/**
 * Reads a chunked body (RFC 9112 section 7.1) as its bytes come. Chunk sizes are plain hexadecimal digits with nothing
 * around them, lines end in CR LF, extensions are read over.
 */
export class ChunkedScanner {
  violation: Violation = violations.chunk_size;
  /** After the end: the trailer fields that may go on, each with its line end. */
  trailers = '';
  /** After {@link scan}: the first byte that it did not take. */
  consumed = 0;

  readonly #bounds: ChunkedBounds;
  #state = SIZE;
  #left = 0;
  #digits = 0;
  #extensionBytes = 0;
  #extensionTotal = 0;
  #isEmptyPart = true;
  #trailers: HeadScanner | null = null;
  #trailerBytes: Buffer | null = null;

  constructor(bounds: ChunkedBounds) {
    this.#bounds = bounds;
  }

  get isDone(): boolean {
    return this.#state === DONE;
  }

  /**
   * Takes bytes from `from` to `end` and moves the content among them together at `from`: returns where it ends, or -1
   * for a violation. So one packet gives one piece of content, however small its chunks are.
   */
  scan(bytes: Buffer, from: number, end: number): number {
    let i = from;
    let dataEnd = from;
    while (i < end && this.#state !== DONE) {
      if (this.#state === DATA) {
        const length = Math.min(this.#left, end - i);
        if (dataEnd !== i) bytes.copyWithin(dataEnd, i, i + length);
        dataEnd += length;
        i += length;
        this.#left -= length;
        if (this.#left === 0) this.#state = DATA_CR;
      } else if (this.#state === TRAILERS) {
        i = this.#scanTrailers(bytes, i, end);
        if (i < 0) return -1;
      } else {
        if (!this.#frameByte(bytes[i]!)) return -1;
        i += 1;
      }
    }
    this.consumed = i;
    return dataEnd;
  }

  /** One byte of the framing between pieces of content. */
  #frameByte(byte: number): boolean {
    switch (this.#state) {
      case SIZE:
        return this.#sizeByte(byte);
      case SIZE_LF:
        if (byte !== LF) return this.#fail(violations.chunk_size);
        this.#state = this.#left === 0 ? TRAILERS : DATA;
        return true;
      case DATA_CR:
        if (byte !== CR) return this.#fail(violations.chunk_end);
        this.#state = DATA_LF;
        return true;
      case DATA_LF:
        if (byte !== LF) return this.#fail(violations.chunk_end);
        this.#state = SIZE;
        this.#digits = 0;
        this.#left = 0;
        this.#extensionBytes = 0;
        return true;
      default:
        return this.#extensionByte(byte);
    }
  }

  /** `;name`, `;name=token` or `;name="quoted"`, without white space (RFC 9112 section 7.1.1): read over, but read. */
  #extensionByte(byte: number): boolean {
    const { extensionBytes } = this.#bounds;
    this.#extensionBytes += 1;
    this.#extensionTotal += 1;
    const isTooLong =
      this.#extensionBytes > extensionBytes || this.#extensionTotal > extensionBytes * EXTENSION_TOTAL;
    if (isTooLong) return this.#fail(violations.chunk_extension_size);
    const next = extensionState(this.#state, byte, this.#isEmptyPart);
    this.#isEmptyPart = byte === SEMICOLON || byte === EQUALS;
    this.#state = next;
    return next >= 0 || this.#fail(violations.chunk_extension);
  }

  #sizeByte(byte: number): boolean {
    if ((CLASS[byte]! & HEX) !== 0) {
      this.#digits += 1;
      if (this.#digits > MAX_SIZE_DIGITS) return this.#fail(violations.chunk_size);
      this.#left = this.#left * 16 + hexValue(byte);
      return true;
    }
    if (this.#digits === 0) return this.#fail(violations.chunk_size);
    if (byte === CR) this.#state = SIZE_LF;
    else if (byte === SEMICOLON) {
      this.#state = EXTENSION_NAME;
      this.#isEmptyPart = true;
    } else return this.#fail(violations.chunk_size);
    return true;
  }

  /** Returns where to go on, or -1. Most bodies have no trailers and end here after two bytes. */
  #scanTrailers(bytes: Buffer, from: number, end: number): number {
    if (this.#trailers === null) {
      const { trailerBytes, fields } = this.#bounds;
      this.#trailers = new HeadScanner('trailers', {
        lineBytes: trailerBytes,
        headBytes: trailerBytes,
        fields,
      });
    }
    const held = this.#trailerBytes?.length ?? 0;
    const section =
      this.#trailerBytes === null ? bytes : Buffer.concat([this.#trailerBytes, bytes.subarray(from, end)]);
    const base = this.#trailerBytes === null ? from : 0;
    const limit = this.#trailerBytes === null ? end : section.length;
    switch (this.#trailers.scan(section, base, limit)) {
      case 'malformed':
        this.#fail(this.#trailers.violation);
        return -1;
      case 'incomplete':
        this.#trailerBytes = Buffer.from(section.subarray(base, limit));
        return end;
      default:
        this.#state = DONE;
        this.trailers = allowedTrailers(
          this.#trailers,
          section.toString('latin1', base, base + this.#trailers.length),
        );
        return from + this.#trailers.length - held;
    }
  }

  #fail(violation: Violation): false {
    this.violation = violation;
    return false;
  }
}

/** What follows `byte` in an extension; -1: it may not stand there. */
const extensionState = (state: number, byte: number, isEmptyPart: boolean): number => {
  if (state === QUOTED_PAIR) return (CLASS[byte]! & FIELD_TEXT) === 0 ? -1 : QUOTED;
  if (state === QUOTED) {
    if (byte === QUOTE) return AFTER_QUOTED;
    if (byte === BACKSLASH) return QUOTED_PAIR;
    return (CLASS[byte]! & FIELD_TEXT) === 0 ? -1 : QUOTED;
  }
  if (isEmptyPart) {
    if (state === EXTENSION_VALUE && byte === QUOTE) return QUOTED;
    return (CLASS[byte]! & TOKEN) === 0 ? -1 : state;
  }
  if (byte === CR) return SIZE_LF;
  if (byte === SEMICOLON) return EXTENSION_NAME;
  if (state === EXTENSION_NAME && byte === EQUALS) return EXTENSION_VALUE;
  return state === AFTER_QUOTED || (CLASS[byte]! & TOKEN) === 0 ? -1 : state;
};

const allowedTrailers = (scanner: HeadScanner, text: string): string => {
  const { fields } = scanner;
  let kept = '';
  for (let i = 0; i < fields.count; i += 1) {
    const name = text.slice(fields.nameStart(i), fields.nameEnd(i));
    if (fields.id(i) !== Field.other || FORBIDDEN_TRAILERS.has(name.toLowerCase())) continue;
    kept += `${name}: ${text.slice(fields.valueStart(i), fields.valueEnd(i))}\r\n`;
  }
  return kept;
};
