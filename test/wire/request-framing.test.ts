import assert from 'node:assert/strict';
import { after } from 'node:test';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { forwardedTable, refusalTable } from '../rig/refusal-table.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar({ after }, upstreamU([upstream.address]));

/** A POST with these header lines and these bytes after the head. */
const post = (fields: string, rest: string, version = '1.1'): string =>
  `POST /x HTTP/${version}\r\nHost: u.test\r\n${fields}\r\n${rest}`;

const chunkedBody = '3\r\nabc\r\n0\r\n\r\n';
const notImplemented = { status: 501, type: 'http_request_error', reason: 'not_implemented' };

const badLengths: readonly (readonly [name: string, value: string])[] = [
  ['a plus sign', '+3'],
  ['a minus sign', '-1'],
  ['hexadecimal digits', '0x3'],
  ['an underscore', '1_0'],
  ['a space between digits', '3 0'],
  ['no digits', ''],
  ['a number beyond 64 bits', '18446744073709551619'],
  ['400 digits', '1'.repeat(400)],
  ['a fraction', '3.0'],
  ['a trailing comma', '3,'],
];

refusalTable(sidecar, upstream, [
  {
    name: 'a request with both Content-Length and Transfer-Encoding is refused and nothing reaches the upstream',
    bytes: post('Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
  },
  {
    name: 'the order of Transfer-Encoding and Content-Length makes no difference: both together are refused',
    bytes: post('Transfer-Encoding: chunked\r\nContent-Length: 5\r\n', '0\r\n\r\n'),
  },
  {
    name: 'two equal Content-Length lines are refused, not repaired',
    bytes: post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'),
  },
  {
    name: 'a Content-Length that is a list of equal numbers is refused',
    bytes: post('Content-Length: 3, 3\r\n', 'abc'),
  },
  {
    name: 'two different Content-Length lines are refused',
    bytes: post('Content-Length: 3\r\nContent-Length: 30\r\n', 'abc'),
  },
  {
    name: 'two Content-Length lines that differ only in the case of the name are refused',
    bytes: post('Content-Length: 3\r\ncontent-length: 3\r\n', 'abc'),
  },
  {
    name: 'two Content-Length lines in different case and value are refused',
    bytes: post('CONTENT-LENGTH: 3\r\ncontent-Length: 4\r\n', 'abc'),
  },
  ...badLengths.map(([name, value]) => ({
    name: `a Content-Length with ${name} is refused`,
    bytes: post(`Content-Length: ${value}\r\n`, 'abc'),
  })),
  {
    name: 'a transfer coding before chunked is not implemented',
    bytes: post('Transfer-Encoding: gzip, chunked\r\n', chunkedBody),
    answer: notImplemented,
  },
  {
    name: 'a transfer coding before chunked on a line of its own is not passed on',
    bytes: post('Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n', chunkedBody),
    answer: { status: [400, 501], type: 'http_request_error' },
  },
  ...['chunked, gzip', 'identity', 'xchunked', 'gzip', 'chunked, chunked', ',chunked', 'chunked;q=1', ''].map(
    (coding) => ({
      name: `Transfer-Encoding ${JSON.stringify(coding)} does not end in one plain chunked and is refused`,
      bytes: post(`Transfer-Encoding: ${coding}\r\n`, chunkedBody),
    }),
  ),
  {
    name: 'a Transfer-Encoding whose value holds a vertical tab is refused',
    bytes: post('Transfer-Encoding: \x0bchunked\r\n', chunkedBody),
  },
  {
    name: 'two Transfer-Encoding lines are refused',
    bytes: post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', chunkedBody),
  },
  {
    name: 'Transfer-Encoding in an HTTP/1.0 request is refused',
    bytes: post('Transfer-Encoding: chunked\r\n', chunkedBody, '1.0'),
  },
  {
    name: 'an unknown expectation is answered 417 and the connection closes with the body unread',
    bytes: post('Expect: 200-ok\r\nContent-Length: 3\r\n', 'abc'),
    answer: { status: 417, type: 'http_request_error', reason: 'expectation_failed' },
  },
]);

forwardedTable(sidecar, upstream, [
  {
    name: 'a Content-Length with leading zeros is forwarded as the plain number',
    bytes: post('Content-Length: 003\r\n', 'abc'),
    check: (sent, body) => {
      assert.match(sent, /^content-length: 3$/im);
      assert.equal(body.toString(), 'abc');
    },
  },
  {
    name: 'optional whitespace around a Content-Length is not forwarded',
    bytes: post('Content-Length: \t3 \r\n', 'abc'),
    check: (sent, body) => {
      assert.match(sent, /^content-length: 3$/im);
      assert.equal(body.toString(), 'abc');
    },
  },
  {
    name: 'a POST with Content-Length 0 keeps it',
    bytes: post('Content-Length: 0\r\n', ''),
    check: (sent) => assert.match(sent, /^content-length: 0$/im),
  },
  {
    name: 'the case of the word chunked does not matter',
    bytes: post('Transfer-Encoding: Chunked\r\n', chunkedBody),
    check: (_sent, body) => assert.equal(body.toString(), 'abc'),
  },
  {
    name: 'a chunk extension is dropped and its chunk forwarded',
    bytes: post('Transfer-Encoding: chunked\r\n', '3;a=b;c="d;e"\r\nabc\r\n0;last\r\n\r\n'),
    check: (_sent, body) => assert.equal(body.toString(), 'abc'),
  },
  {
    name: 'chunk sizes in both cases and with leading zeros are understood',
    bytes: post('Transfer-Encoding: chunked\r\n', '00A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n'),
    check: (_sent, body) => assert.equal(body.toString(), '01234567890123456789'),
  },
  {
    name: 'a GET without content gets no framing added',
    bytes: 'GET /plain HTTP/1.1\r\nHost: u.test\r\n\r\n',
    check: (sent) => assert.doesNotMatch(sent, /^(?:content-length|transfer-encoding)/im),
  },
  ...['GET', 'HEAD', 'DELETE', 'OPTIONS'].map((method) => ({
    name: `${method} with content is forwarded with its length and its bytes`,
    bytes: `${method} /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\n\r\nabc`,
    check: (sent: string, body: Buffer) => {
      assert.ok(sent.startsWith(`${method} /x `));
      assert.match(sent, /^content-length: 3$/im);
      assert.equal(body.toString(), 'abc');
    },
  })),
  {
    name: 'GET with chunked content is forwarded chunked',
    bytes: `GET /x HTTP/1.1\r\nHost: u.test\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody}`,
    check: (sent, body) => {
      assert.match(sent, /^transfer-encoding: chunked$/im);
      assert.equal(body.toString(), 'abc');
    },
  },
]);
