import { type Authority, formatAuthority } from '../http1/grammar.ts';
import { HeadScanner } from '../http1/head-scanner.ts';
import { RequestHead } from '../http1/request-head.ts';

/**
 * The head of a CONNECT request for `authority` (with a port): what a connection to the port of a TCP upstream stands
 * for, so that the pipeline need know of one kind of exchange alone.
 */
export const connectHead = (authority: Authority): RequestHead => {
  const name = formatAuthority(authority);
  const text = `CONNECT ${name} HTTP/1.1\r\nHost: ${name}\r\n\r\n`;
  const bytes = Buffer.from(text, 'latin1');
  const scanner = new HeadScanner('request', { lineBytes: bytes.length, headBytes: bytes.length, fields: 1 });
  const isWhole = scanner.scan(bytes, 0, bytes.length) === 'complete';
  const head = new RequestHead(scanner, text);
  if (!isWhole || head.interpret(scanner) !== null) throw new Error(`${name} is no authority to connect to`);
  return head;
};
