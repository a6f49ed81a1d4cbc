import { type ChunkedBounds, ChunkedScanner } from '../http1/chunked-scanner.ts';
import { HeadScanner } from '../http1/head-scanner.ts';
import type { ClientBounds } from '../http1/limits.ts';
import { ResponseHead } from '../http1/response-head.ts';
import { type Violation, violations } from '../http1/violation.ts';

/**
 * Heads between our form and undici's. A request's is taken apart; an answer's is written out as wire text and read
 * again by our own scanner, so that every rule of ours holds whoever parsed the bytes (decision 26).
 */

/** What undici is given of a request's head. */
export interface UndiciRequestHead {
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
}

/** True where the client waits for leave to send its content. */
export const expectsContinue = (headText: string): boolean => /\r\nexpect:/i.test(headText);

/** Framing and connection are undici's own; of Expect it knows nothing (decision 26). */
const undiciWritesItself = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'expect',
]);

/** Takes our own wire text apart: it was put together from checked fields. `isLower`: names as HTTP/2 wants them. */
export const readRequestText = (headText: string, isLower: boolean): UndiciRequestHead => {
  const firstEnd = headText.indexOf('\r\n');
  const pathStart = headText.indexOf(' ') + 1;
  const path = headText.slice(pathStart, headText.indexOf(' ', pathStart));
  const headers: string[] = [];
  for (let at = firstEnd + 2; at < headText.length - 2; ) {
    const end = headText.indexOf('\r\n', at);
    const colon = headText.indexOf(':', at);
    const name = headText.slice(at, colon);
    const lower = name.toLowerCase();
    if (!undiciWritesItself.has(lower)) headers.push(isLower ? lower : name, headText.slice(colon + 2, end));
    at = end + 2;
  }
  return { path, headers };
};

/** Fields as undici hands them over: bytes in turn (HTTP/1.1), or an object (HTTP/2). */
export type UndiciFields =
  | readonly (Buffer | string)[]
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | null
  | undefined;

/** Field lines, each with its line end. */
const linesOf = (fields: UndiciFields): string => {
  let lines = '';
  if (isList(fields)) {
    for (let i = 0; i + 1 < fields.length; i += 2)
      lines += `${textOf(fields[i]!)}: ${textOf(fields[i + 1]!)}\r\n`;
    return lines;
  }
  for (const name of Object.keys(fields ?? {})) {
    const value = fields?.[name];
    if (typeof value === 'string') lines += `${name}: ${value}\r\n`;
    else for (const each of value ?? []) lines += `${name}: ${each}\r\n`;
  }
  return lines;
};

const isList = (fields: UndiciFields): fields is readonly (Buffer | string)[] => Array.isArray(fields);

const textOf = (text: Buffer | string): string => (typeof text === 'string' ? text : text.toString('latin1'));

/** What undici read as UTF-8 that was none, or beyond latin1: nobody needs the phrase, so it is left out. */
const isPlain = (phrase: string): boolean => !/[^\0-\x7f]/.test(phrase);

/** An answer's head as wire text. undici does not say of which version it was: it becomes HTTP/1.1. */
export const responseTextOf = (status: number, phrase: string, fields: UndiciFields): string =>
  `HTTP/1.1 ${status} ${isPlain(phrase) ? phrase : ''}\r\n${linesOf(fields)}\r\n`;

/** Reads heads of answers by our own rules. One at a time: a head holds until the next is read. */
export class HeadReader {
  readonly #scanner: HeadScanner;

  constructor(bounds: ClientBounds) {
    this.#scanner = new HeadScanner('response', bounds.head);
  }

  /** The head in `text`, as the answer to `method`; or the first rule that it breaks. */
  read(text: string, method: string): ResponseHead | Violation {
    const scanner = this.#scanner;
    const bytes = Buffer.from(text, 'latin1');
    scanner.reset();
    const result = scanner.scan(bytes, 0, bytes.length);
    if (result !== 'complete') return result === 'malformed' ? scanner.violation : violations.status_line;
    // An empty line in the middle would end it early.
    if (scanner.length !== bytes.length) return violations.line_end;
    const head = new ResponseHead(scanner, text);
    return head.interpret(scanner, method) ?? head;
  }
}

/** The trailer fields that may go on, each with its line end; or the first rule that they break. */
export const readTrailers = (fields: UndiciFields, bounds: ChunkedBounds): string | Violation => {
  const lines = linesOf(fields);
  if (lines === '') return '';
  const scanner = new ChunkedScanner(bounds);
  const bytes = Buffer.from(`0\r\n${lines}\r\n`, 'latin1');
  return scanner.scan(bytes, 0, bytes.length) < 0 ? scanner.violation : scanner.trailers;
};
