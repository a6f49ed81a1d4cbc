import { Field } from '../http1/field-table.ts';
import { SP } from '../http1/grammar.ts';
import type { RequestHead } from '../http1/request-head.ts';
import type { ResponseHead } from '../http1/response-head.ts';

/**
 * The heads that go on, in either direction. Lines that are written as we would write them go on as they came, in runs
 * that are cut out of the received text; everything else, and framing that could be read in two ways, is said anew.
 */

const ZERO = 0x30;

const DROP = 0;
const KEEP = 1;

/** What belongs to one connection alone (RFC 9110 section 7.6.1), to us (11.7.2), or is written anew below. */
const ownOfRequest = [
  Field.transferEncoding,
  Field.connection,
  Field.keepAlive,
  Field.proxyConnection,
  Field.te,
  Field.upgrade,
  Field.http2Settings,
  Field.proxyAuthorization,
  Field.expect,
  Field.attempt,
];

const ownOfResponse = [
  Field.transferEncoding,
  Field.connection,
  Field.keepAlive,
  Field.proxyConnection,
  Field.te,
  Field.upgrade,
  Field.proxyAuthenticate,
  Field.proxyAuthenticationInfo,
];

const keepAllBut = (dropped: readonly number[]): Uint8Array => {
  const table = new Uint8Array(256).fill(KEEP);
  for (const id of dropped) table[id] = DROP;
  return table;
};

/** What becomes of a request's fields; where we name the host; where we count Max-Forwards down; where we do both. */
const requestFields = keepAllBut(ownOfRequest);
const withoutHost = keepAllBut([...ownOfRequest, Field.host]);
const withoutForwards = keepAllBut([...ownOfRequest, Field.maxForwards]);
const withoutBoth = keepAllBut([...ownOfRequest, Field.host, Field.maxForwards]);

const responseFields = keepAllBut(ownOfResponse);
const withoutTrailer = keepAllBut([...ownOfResponse, Field.trailer]);

type Head = RequestHead | ResponseHead;

/** The lines that go on: fields, by their `table`, and before them the start line where that goes on as it came. */
const copyLines = (head: Head, table: Uint8Array, withStart: boolean): string => {
  const { text, fields, nominated } = head;
  const { count } = fields;
  let copied = '';
  let runStart = withStart ? 0 : -1;
  for (let i = 0; i < count; i += 1) {
    const id = fields.id(i);
    const nameStart = fields.nameStart(i);
    const nameEnd = fields.nameEnd(i);
    const lineEnd = i + 1 < count ? fields.nameStart(i + 1) : text.length - 2;
    const goesOn =
      table[id] === KEEP &&
      // Connection cannot take away what framing, routing or we ourselves live by.
      (nominated.length === 0 ||
        id !== Field.other ||
        !nominated.includes(text.slice(nameStart, nameEnd).toLowerCase()));
    const valueStart = fields.valueStart(i);
    const isPlain =
      valueStart === nameEnd + 2 && text.charCodeAt(nameEnd + 1) === SP && fields.valueEnd(i) + 2 === lineEnd;
    // Digits are all that a length can be here: without zeros before them there is one way to read it.
    const isSure = id !== Field.contentLength || (head.hasLength && text.charCodeAt(valueStart) !== ZERO);
    if (goesOn && isPlain && isSure) {
      if (runStart < 0) runStart = nameStart;
      continue;
    }
    if (runStart >= 0) copied += text.slice(runStart, nameStart);
    runStart = -1;
    if (!goesOn) continue;
    if (id === Field.contentLength) {
      if (head.hasLength) copied += `Content-Length: ${head.contentLength}\r\n`;
    } else copied += `${text.slice(nameStart, nameEnd)}: ${head.value(i)}\r\n`;
  }
  return runStart >= 0 ? copied + text.slice(runStart, text.length - 2) : copied;
};

/** How a request's head is to be sent on. */
export interface RequestRules {
  /** The Host to send; null: as the client sent it. */
  readonly host: string | null;
  /** Our Via line, with its line end. */
  readonly via: string;
  /** Which attempt it is for, from 1. */
  readonly attempt: number;
  /** Protocols to offer to switch to, as the field writes them; empty for none. */
  readonly offered: string;
}

/** The head for the upstream, as wire text through the empty line. */
export const requestText = (head: RequestHead, rules: RequestRules): string => {
  // Nearly always the app has written already what is to be sent.
  const host = head.form === 'origin' && rules.host === head.authorityText ? null : rules.host;
  const isCounted = head.maxForwardsField >= 0 && head.method === 'OPTIONS';
  let text: string;
  if (head.form === 'origin' && head.minor === 1 && host === null && !isCounted) {
    text = copyLines(head, requestFields, true);
  } else {
    text = `${head.method} ${head.path} HTTP/1.1\r\n`;
    if (host !== null) text += `Host: ${host}\r\n`;
    if (isCounted) text += forwardedLess(head, host === null ? withoutForwards : withoutBoth);
    else text += copyLines(head, host === null ? requestFields : withoutHost, false);
  }
  if (head.framing === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  // Nobody waits for a second 100.
  if (rules.attempt === 1 && head.expectsContinue) text += 'Expect: 100-continue\r\n';
  const mark = rules.attempt === 1 ? head.attemptMark : rules.attempt;
  if (mark > 1) text += `x-outrigger-attempt: ${mark}\r\n`;
  if (head.takesTrailers) text += 'TE: trailers\r\n';
  if (rules.offered !== '') text += `Connection: Upgrade\r\nUpgrade: ${rules.offered}\r\n`;
  return `${text}${rules.via}\r\n`;
};

/** Max-Forwards counts down on OPTIONS (RFC 9110 section 7.6.2); the others carry it along. */
const forwardedLess = (head: RequestHead, others: Uint8Array): string => {
  const left = Number.parseInt(head.value(head.maxForwardsField), 10);
  return `${copyLines(head, others, false)}Max-Forwards: ${left - 1}\r\n`;
};

/** How an answer's head is to be sent on. */
export interface ResponseRules {
  readonly via: string;
  readonly isChunked: boolean;
  /** `close`, `keep-alive` or nothing: what our own Connection field says. */
  readonly connection: '' | 'close' | 'keep-alive';
}

/** The head for the client, as wire text through the empty line. */
export const responseText = (head: ResponseHead, rules: ResponseRules): string => {
  // What was chunked and is not now has no length either, and its trailers are lost.
  const table = head.framing === 'chunked' && !rules.isChunked ? withoutTrailer : responseFields;
  let text = head.hasPlainLine ? '' : `HTTP/1.1 ${head.status} ${head.reasonPhrase}\r\n`;
  text += copyLines(head, table, head.hasPlainLine);
  if (rules.isChunked) text += 'Transfer-Encoding: chunked\r\n';
  if (rules.connection !== '') text += `Connection: ${rules.connection}\r\n`;
  return `${text}${rules.via}\r\n`;
};

/** The head that switches the protocol, for the client. */
export const switchingText = (head: ResponseHead, via: string): string =>
  `HTTP/1.1 101 Switching Protocols\r\n${copyLines(head, responseFields, false)}Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n${via}\r\n`;

/** An informational head for the client. */
export const informationalText = (head: ResponseHead, via: string): string =>
  `HTTP/1.1 ${head.status} ${head.reasonPhrase}\r\n${copyLines(head, responseFields, false)}${head.status === 100 ? '' : via}\r\n`;
