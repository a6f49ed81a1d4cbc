import { Field, type FieldTable } from './field-table.ts';
import { type Authority, parseAuthority } from './grammar.ts';
import type { HeadScanner } from './head-scanner.ts';
import {
  addConnectionOptions,
  type ConnectionOptions,
  noConnectionOptions,
  parseLength,
} from './list-field.ts';
import { type Violation, violations } from './violation.ts';

/** How the end of a message's content is found (RFC 9112 section 6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** Which of the forms of RFC 9112 section 3.2 the request target has. */
export type TargetForm = 'origin' | 'absolute' | 'authority' | 'asterisk';

const nobody: readonly string[] = [];

/** Fields that a client may not have removed by naming them in Connection. */
const PROTECTED = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'authorization',
  'cookie',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'traceparent',
  'tracestate',
  'via',
]);

/**
 * A request's head that has been read whole and checked. It points into the table of its connection, so it holds until
 * the connection goes on to the next request.
 */
export class RequestHead {
  /** The head from its first byte through its empty line, as latin1. */
  readonly text: string;
  readonly fields: FieldTable;
  /** Length of the start line with its line end: where the fields begin in {@link text}. */
  readonly fieldsStart: number;
  readonly method: string;
  /** HTTP/1.`minor`. */
  minor: 0 | 1 = 1;
  form: TargetForm = 'origin';
  /** Lower case; empty but for absolute-form. */
  scheme = '';
  /** What to ask the destination for: path and query, or `*`. */
  path = '';
  /** Where the request wants to go: the target's authority, else Host; null where neither was sent. */
  authority: Authority | null = null;
  /** The authority as it was written. */
  authorityText = '';
  framing: Framing = 'none';
  contentLength = 0;
  /** True where a Content-Length was sent, 0 included. */
  hasLength = false;
  /** True when the client wants to keep the connection and nothing speaks against it. */
  isPersistent = true;
  expectsContinue = false;
  /** Protocols of the Upgrade field; empty for none, or where Connection does not name it. */
  upgrade = '';
  /** Names in lower case that Connection nominated. */
  nominated: readonly string[] = nobody;
  /** Positions in the table; -1: none was sent. */
  hostField = -1;
  viaField = -1;
  requestIdField = -1;
  traceparentField = -1;
  idempotencyKeyField = -1;
  maxForwardsField = -1;
  /** The request went through TLS early data on its way here (RFC 8470 section 5.1). */
  isEarlyData = false;
  /** Which attempt of its sender this is, by its mark: 2–999 (decision 17); 0: it is no repetition. */
  attemptMark = 0;
  /** The only TE that may go on is `trailers`. */
  takesTrailers = false;

  /** `scanner` has just said `complete`; `text` is what it read, without the empty lines before. */
  constructor(scanner: HeadScanner, text: string) {
    this.text = text;
    this.fields = scanner.fields;
    this.fieldsStart = scanner.lineEnd + 2;
    this.method = text.slice(0, scanner.firstEnd);
  }

  /** The value of a field, by its position. */
  value(index: number): string {
    return this.text.slice(this.fields.valueStart(index), this.fields.valueEnd(index));
  }

  /** Reads what the fields and the target mean; the first rule that they break, or null. */
  interpret(scanner: HeadScanner): Violation | null {
    const { text } = this;
    const version = text.slice(scanner.secondEnd + 1, scanner.lineEnd);
    if (version !== 'HTTP/1.1') {
      if (!/^HTTP\/[0-9]\.[0-9]$/.test(version)) return violations.version;
      if (version !== 'HTTP/1.0') return violations.version_unsupported;
      this.minor = 0;
    }
    if (hasLowerCase(this.method)) return violations.method_unknown;
    if (this.method === 'TRACE') return violations.trace;
    return (
      this.#readFields() ??
      this.#checkForwards() ??
      this.#readTarget(text.slice(scanner.firstEnd + 1, scanner.secondEnd))
    );
  }

  #readFields(): Violation | null {
    const { fields } = this;
    let options: ConnectionOptions | null = null;
    let upgrade = '';
    let transferEncoding = -1;
    let lengthField = -1;
    for (let i = 0; i < fields.count; i += 1) {
      switch (fields.id(i)) {
        case Field.other:
          break;
        case Field.host:
          if (this.hostField >= 0) return violations.host_repeated;
          this.hostField = i;
          break;
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
        case Field.expect:
          if (this.expectsContinue || this.value(i).toLowerCase() !== '100-continue')
            return violations.expectation;
          this.expectsContinue = true;
          break;
        case Field.upgrade:
          upgrade = upgrade === '' ? this.value(i) : `${upgrade}, ${this.value(i)}`;
          break;
        default:
          this.#notePosition(fields.id(i), i);
      }
    }
    this.isPersistent = this.minor === 1;
    if (options !== null && !this.#readConnection(options, upgrade)) return violations.connection;
    return this.#readFraming(lengthField, transferEncoding);
  }

  /** False where Connection names what it may not. */
  #readConnection(options: ConnectionOptions, upgrade: string): boolean {
    for (const name of options.nominated) if (isProtected(name)) return false;
    this.nominated = options.nominated;
    this.isPersistent = !options.close && (this.minor === 1 || options.keepAlive);
    if (options.upgrade && this.minor === 1) this.upgrade = upgrade.toLowerCase();
    return true;
  }

  /** Max-Forwards means something on OPTIONS alone, as TRACE goes no further (RFC 9110 section 7.6.2). */
  #checkForwards(): Violation | null {
    if (this.maxForwardsField < 0 || this.method !== 'OPTIONS') return null;
    return /^[0-9]{1,9}$/.test(this.value(this.maxForwardsField)) ? null : violations.max_forwards;
  }

  #notePosition(id: number, index: number): void {
    switch (id) {
      case Field.via:
        if (this.viaField < 0) this.viaField = index;
        break;
      case Field.requestId:
        this.requestIdField = index;
        break;
      case Field.traceparent:
        this.traceparentField = index;
        break;
      case Field.idempotencyKey:
        this.idempotencyKeyField = index;
        break;
      case Field.maxForwards:
        this.maxForwardsField = index;
        break;
      case Field.earlyData:
        this.isEarlyData = true;
        break;
      case Field.attempt:
        this.attemptMark = Math.max(this.attemptMark, attemptMarkOf(this.value(index)));
        break;
      case Field.te:
        this.takesTrailers ||= /(?:^|,)\s*trailers\s*(?:,|$)/i.test(this.value(index));
        break;
      default:
    }
  }

  #readFraming(lengthField: number, transferEncoding: number): Violation | null {
    if (transferEncoding >= 0) {
      if (lengthField >= 0) return violations.length_and_coding;
      if (this.minor === 0) return violations.transfer_encoding_version;
      const codings = this.value(transferEncoding).toLowerCase();
      if (codings !== 'chunked') return otherCodings(codings);
      this.framing = 'chunked';
    } else if (lengthField >= 0) {
      const length = parseLength(this.value(lengthField));
      if (length < 0) return violations.content_length;
      this.hasLength = true;
      this.contentLength = length;
      this.framing = length === 0 ? 'none' : 'length';
    }
    // RFC 9110 section 10.1.1: without content, or in HTTP/1.0, the expectation is ignored.
    if (this.framing === 'none' || this.minor === 0) this.expectsContinue = false;
    return null;
  }

  #readTarget(target: string): Violation | null {
    if (this.hostField < 0) {
      if (this.minor === 1) return violations.host_missing;
    } else {
      this.authorityText = this.value(this.hostField);
      this.authority = parseAuthority(this.authorityText);
      if (this.authority === null) return violations.host;
    }
    if (this.method === 'CONNECT') return this.#readAuthorityForm(target);
    if (target.charCodeAt(0) === 0x2f) {
      this.path = target;
      return null;
    }
    if (target.charCodeAt(0) === 0x2a) {
      if (target !== '*' || this.method !== 'OPTIONS') return violations.target_form;
      this.form = 'asterisk';
      this.path = target;
      return null;
    }
    return this.#readAbsoluteForm(target);
  }

  #readAuthorityForm(target: string): Violation | null {
    this.form = 'authority';
    this.authorityText = target;
    this.authority = parseAuthority(target);
    if (this.authority === null || this.authority.port === 0) return violations.target_authority;
    if (this.framing !== 'none' || this.hasLength) return violations.connect_content;
    return null;
  }

  #readAbsoluteForm(target: string): Violation | null {
    const parts = /^([A-Za-z][A-Za-z0-9+.-]*):\/\/([^/?]*)(.*)$/.exec(target);
    if (parts === null) return violations.target_form;
    const [, scheme = '', authorityText = '', rest = ''] = parts;
    this.form = 'absolute';
    this.scheme = scheme.toLowerCase();
    if (authorityText === '') return violations.target_authority;
    if (this.scheme !== 'http' && this.scheme !== 'https') return violations.target_scheme;
    this.authorityText = authorityText;
    this.authority = parseAuthority(authorityText);
    if (this.authority === null) return violations.target_authority;
    if (rest.startsWith('/')) this.path = rest;
    else if (rest === '' && this.method === 'OPTIONS') this.path = '*';
    else this.path = `/${rest}`;
    return null;
  }
}

/** Methods are case-sensitive, and no registered one has a small letter. */
const hasLowerCase = (method: string): boolean => {
  for (let i = 0; i < method.length; i += 1) {
    const code = method.charCodeAt(i);
    if (code >= 0x61 && code <= 0x7a) return true;
  }
  return false;
};

const isProtected = (name: string): boolean => PROTECTED.has(name) || name.startsWith('x-outrigger-');

/** Several fields are the same as one with a list (RFC 9110 section 5.3); the highest number of it counts. */
const attemptMarkOf = (list: string): number => {
  let mark = 0;
  for (const member of list.split(',')) {
    const text = member.trim();
    if (/^[0-9]{1,3}$/.test(text)) mark = Math.max(mark, Number(text));
  }
  return mark < 2 ? 0 : mark;
};

/** A coding other than one `chunked`: known to be undecodable here, or simply wrong. */
const otherCodings = (codings: string): Violation => {
  const parts = codings.split(',').map((part) => part.trim());
  const isChunkedLast = parts.length > 1 && parts.indexOf('chunked') === parts.length - 1;
  return isChunkedLast && !parts.includes('') ? violations.transfer_coding : violations.transfer_encoding;
};
