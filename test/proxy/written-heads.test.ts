import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadScanner } from '../../src/http1/head-scanner.ts';
import { RequestHead } from '../../src/http1/request-head.ts';
import { ResponseHead } from '../../src/http1/response-head.ts';
import { requestText, responseText } from '../../src/proxy/headers.ts';

const bounds = { lineBytes: 8192, headBytes: 32_768, fields: 200 };
const via = 'Via: 1.1 us\r\n';

const textOf = (lines: readonly string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

const scanned = (kind: 'request' | 'response', text: string): HeadScanner => {
  const scanner = new HeadScanner(kind, bounds);
  assert.equal(scanner.scan(Buffer.from(text, 'latin1'), 0, text.length), 'complete');
  return scanner;
};

const sentRequest = (host: string | null, ...lines: string[]): string => {
  const text = textOf(lines);
  const scanner = scanned('request', text);
  const head = new RequestHead(scanner, text);
  assert.equal(head.interpret(scanner), null);
  return requestText(head, { host, via, attempt: 1, offered: '' });
};

const sentResponse = (...lines: string[]): string => {
  const text = textOf(lines);
  const scanner = scanned('response', text);
  const head = new ResponseHead(scanner, text);
  assert.equal(head.interpret(scanner, 'GET'), null);
  return responseText(head, { via, isChunked: head.framing === 'chunked', connection: '' });
};

test('a request goes on as it came, but for what is ours to say', () => {
  assert.equal(
    sentRequest('u.test', 'GET /a?b HTTP/1.1', 'host: u.test', 'X-Y: z  z', 'connection: close', 'a: b'),
    textOf(['GET /a?b HTTP/1.1', 'host: u.test', 'X-Y: z  z', 'a: b', 'Via: 1.1 us']),
  );
  assert.equal(
    sentRequest('named.test', 'GET / HTTP/1.1', 'host: u.test', 'a: b'),
    textOf(['GET / HTTP/1.1', 'Host: named.test', 'a: b', 'Via: 1.1 us']),
  );
  assert.equal(
    sentRequest(null, 'GET http://u.test HTTP/1.1', 'Host: u.test'),
    textOf(['GET / HTTP/1.1', 'Host: u.test', 'Via: 1.1 us']),
  );
});

test('what is spelled in another way than ours is spelled anew, length and host first of all', () => {
  for (const length of [
    'Content-Length:5',
    'Content-Length:\t5',
    'Content-Length:  5',
    'Content-Length: 005',
  ]) {
    assert.equal(
      sentRequest('u.test', 'PUT / HTTP/1.1', 'Host:\tu.test', length, 'X:\ty', 'Z:z '),
      textOf(['PUT / HTTP/1.1', 'Host: u.test', 'Content-Length: 5', 'X: y', 'Z: z', 'Via: 1.1 us']),
    );
    assert.equal(
      sentResponse('HTTP/1.1 200 OK', length, 'a: b'),
      textOf(['HTTP/1.1 200 OK', 'Content-Length: 5', 'a: b', 'Via: 1.1 us']),
    );
  }
});

test('a status line goes on as it came where it is one of ours', () => {
  const sent = (line: string): string => sentResponse(line, 'content-length: 5').split('\r\n', 1)[0]!;
  assert.equal(sent('HTTP/1.1 200 All right'), 'HTTP/1.1 200 All right');
  assert.equal(sent('HTTP/1.0 200 OK'), 'HTTP/1.1 200 OK');
  assert.equal(sent('HTTP/1.1 200'), 'HTTP/1.1 200 ');
});
