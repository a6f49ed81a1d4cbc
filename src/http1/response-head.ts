import { Field, type FieldTable } from './field-table.ts';
import type { HeadScanner } from './head-scanner.ts';
import {
  addConnectionOptions,
  type ConnectionOptions,
  noConnectionOptions,
  parseLength,
} from './list-field.ts';
import type { Framing } from './request-head.ts';
import { type Violation, violations } from './violation.ts';

/** `HTTP/1.1 200` and its line end. */
const SHORTEST_LINE = 14;

const nobody: readonly string[] = [];

/** A response's head that has been read whole and checked. It holds until its connection reads on. */
export class ResponseHead {
  /** The head from its first byte through its empty line, as latin1. */
  readonly text: string;
  readonly fields: FieldTable;
  readonly fieldsStart: number;
  minor: 0 | 1 = 1;
  /** 100–599. */
  status = 0;
  reasonPhrase = '';
  framing: Framing = 'close';
  contentLength = 0;
  hasLength = false;
  /** True when the connection may carry another exchange after this one. */
  isPersistent = true;
  /** `timeout` of the Keep-Alive field in ms; -1: none. */
  keepAliveMs = -1;
  nominated: readonly string[] = nobody;
  retryAfterField = -1;
  /** Protocols of the Upgrade field in lower case; empty for none, or where Connection does not name it. */
  upgrade = '';

  /** `scanner` has just said `complete`; `text` is what it read. */
  constructor(scanner: HeadScanner, text: string) {
    this.text = text;
    this.fields = scanner.fields;
    this.fieldsStart = scanner.lineEnd + 2;
  }

  /** True for 1xx: another head follows. */
  get isInformational(): boolean {
    return this.status < 200;
  }

  /** True when the status line is written as we would write it. */
  get hasPlainLine(): boolean {
    // Some servers leave out the space before an empty reason phrase.
    return this.minor === 1 && this.fieldsStart > SHORTEST_LINE;
  }

  /** The value of a field, by its position. */
  value(index: number): string {
    return this.text.slice(this.fields.valueStart(index), this.fields.valueEnd(index));
  }

  /** Reads what the head means as the answer to a request with `method`; the first rule that it breaks, or null. */
  interpret(scanner: HeadScanner, method: string): Violation | null {
    const { text } = this;
    if (!text.startsWith('HTTP/1.1 ')) {
      if (!text.startsWith('HTTP/1.0 ')) return violations.status_line;
      this.minor = 0;
    }
    if (scanner.firstEnd !== 8) return violations.status_line;
    this.status = readStatus(text);
    if (this.status < 100 || this.status > 599) return violations.status;
    // Some servers leave out the space before an empty reason phrase: there is nothing to misread in that.
    if (scanner.lineEnd > 12 && text.charCodeAt(12) !== 0x20) return violations.status;
    this.reasonPhrase = text.slice(13, scanner.lineEnd);
    return this.#readFields(method);
  }

  #readFields(method: string): Violation | null {
    const { fields } = this;
    let options: ConnectionOptions | null = null;
    let transferEncoding = -1;
    let lengthField = -1;
    let upgradeField = -1;
    for (let i = 0; i < fields.count; i += 1) {
      switch (fields.id(i)) {
        case Field.contentLength:
          if (lengthField >= 0) return violations.content_length_repeated;
          lengthField = i;
          break;
        case Field.transferEncoding:
          if (transferEncoding >= 0) return violations.transfer_encoding;
          transferEncoding = i;
          break;
        case Field.connection:
          options ??= noConnectionOptions();
          if (!addConnectionOptions(this.value(i), options)) return violations.connection;
          break;
        case Field.keepAlive:
          this.keepAliveMs = readKeepAlive(this.value(i));
          break;
        case Field.retryAfter:
          this.retryAfterField = i;
          break;
        case Field.upgrade:
          upgradeField = i;
          break;
        default:
      }
    }
    this.isPersistent = this.minor === 1;
    if (options !== null) {
      this.nominated = options.nominated;
      this.isPersistent = !options.close && (this.minor === 1 || options.keepAlive);
      if (options.upgrade && upgradeField >= 0) this.upgrade = this.value(upgradeField).toLowerCase();
    }
    return this.#readFraming(method, lengthField, transferEncoding);
  }

  #readFraming(method: string, lengthField: number, transferEncoding: number): Violation | null {
    if (lengthField >= 0) {
      if (transferEncoding >= 0) return violations.length_and_coding;
      this.contentLength = parseLength(this.value(lengthField));
      if (this.contentLength < 0) return violations.content_length;
      this.hasLength = true;
    }
    if (transferEncoding >= 0) {
      if (this.minor === 0) return violations.transfer_encoding_version;
      if (this.value(transferEncoding).toLowerCase() !== 'chunked') return violations.transfer_coding;
    }
    if (this.status < 200 || this.status === 204) {
      // Neither has content. A server that frames some all the same is not to be trusted with another request.
      if (transferEncoding >= 0 || this.contentLength > 0) this.isPersistent = false;
      this.hasLength = false;
      this.framing = 'none';
    } else if (method === 'HEAD' || this.status === 304) {
      this.framing = 'none';
    } else if (transferEncoding >= 0) {
      this.framing = 'chunked';
    } else if (this.hasLength) {
      this.framing = this.contentLength === 0 ? 'none' : 'length';
    } else {
      this.isPersistent = false;
    }
    return null;
  }
}

/** The three digits after `HTTP/1.x `; -1 for anything else. */
const readStatus = (text: string): number => {
  let status = 0;
  for (let i = 9; i < 12; i += 1) {
    const digit = text.charCodeAt(i) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    status = status * 10 + digit;
  }
  return status;
};

const readKeepAlive = (value: string): number => {
  const match = /(?:^|[\s,])timeout\s*=\s*(\d{1,6})/i.exec(value);
  return match === null ? -1 : Number(match[1]) * 1000;
};
