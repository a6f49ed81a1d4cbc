import { BodyReader } from '../../src/http1/body.ts';
import { HeadScanner } from '../../src/http1/head-scanner.ts';
import { RequestHead } from '../../src/http1/request-head.ts';
import { ResponseHead } from '../../src/http1/response-head.ts';
import type { Opinion, ReadMessage } from './node-opinion.ts';

const bounds = { lineBytes: 8192, headBytes: 32_768, fields: 200 };
const chunkedBounds = { extensionBytes: 1024, trailerBytes: 8192, fields: 200 };

const cut = (bytes: Buffer, sizes: readonly number[]): number[] => {
  const ends: number[] = [];
  let end = 0;
  for (const size of sizes) {
    end += size;
    if (end >= bytes.length) break;
    ends.push(end);
  }
  ends.push(bytes.length);
  return ends;
};

const fieldsOfHead = (head: RequestHead | ResponseHead): [string, string][] =>
  Array.from({ length: head.fields.count }, (_, index) => [
    head.text.slice(head.fields.nameStart(index), head.fields.nameEnd(index)),
    head.value(index),
  ]);

const fieldsOfText = (text: string): [string, string][] =>
  text
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]);

/** Reads one message after the other as our own wire does, the bytes coming in pieces of these sizes. */
export const ourOpinion = (
  kind: 'request' | 'response',
  bytes: Buffer,
  sizes: readonly number[] = [],
): Opinion => {
  const messages: ReadMessage[] = [];
  const ends = cut(bytes, sizes);
  let base = 0;
  for (;;) {
    const scanner = new HeadScanner(kind, bounds);
    const scanned = scanHead(scanner, bytes, base, ends);
    if (scanned === 'malformed') return { messages, error: scanner.violation.rule };
    if (scanned === 'incomplete') return { messages, error: null };
    const start = base + scanner.skipped;
    const text = bytes.toString('latin1', start, start + scanner.length);
    const head = kind === 'request' ? new RequestHead(scanner, text) : new ResponseHead(scanner, text);
    const violation = head instanceof RequestHead ? head.interpret(scanner) : head.interpret(scanner, 'GET');
    if (violation !== null) return { messages, error: violation.rule };
    base = start + scanner.length;
    const message = {
      startLine: text.slice(0, scanner.lineEnd),
      fields: fieldsOfHead(head),
      body: Buffer.alloc(0) as Buffer,
      trailers: [] as [string, string][],
    };
    if (head.framing === 'close') return { messages, error: null };
    if (head.framing !== 'none') {
      const length = head.framing === 'chunked' ? -1 : head.contentLength;
      const reader = new BodyReader(length, chunkedBounds, Number.POSITIVE_INFINITY);
      const body = readBody(reader, bytes, base, ends);
      if (typeof body === 'string') return { messages, error: body === '' ? null : body };
      base = body.end;
      message.body = body.data;
      message.trailers = fieldsOfText(reader.trailers);
    }
    messages.push(message);
    if (!head.isPersistent) return { messages, error: null };
  }
};

const scanHead = (scanner: HeadScanner, bytes: Buffer, base: number, ends: readonly number[]) => {
  for (const end of ends) {
    if (end <= base) continue;
    const result = scanner.scan(bytes, base, end);
    if (result !== 'incomplete') return result;
  }
  return 'incomplete' as const;
};

/** The content and where it ends; the broken rule; or '' where bytes are missing. */
const readBody = (
  reader: BodyReader,
  bytes: Buffer,
  base: number,
  ends: readonly number[],
): { readonly data: Buffer; readonly end: number } | string => {
  const data: Buffer[] = [];
  let from = base;
  for (const end of ends) {
    if (end <= from) continue;
    // The reader moves content within what it is given.
    const piece = Buffer.from(bytes.subarray(from, end));
    const dataEnd = reader.read(piece, 0, piece.length);
    if (dataEnd < 0) return reader.violation.rule;
    data.push(piece.subarray(0, dataEnd));
    from += reader.consumed;
    if (reader.isDone) return { data: Buffer.concat(data), end: from };
  }
  return '';
};
