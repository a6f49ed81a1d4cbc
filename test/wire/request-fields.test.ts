import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { exchangeRaw } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { forwardedTable, refusalTable } from '../rig/refusal-table.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, fieldsOf, statusOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar({ after }, upstreamU([upstream.address]));

const withFields = (fields: string): string => `GET / HTTP/1.1\r\nHost: u.test\r\n${fields}\r\n`;
const hex = (byte: number): string => `0x${byte.toString(16).padStart(2, '0')}`;

/** Every control but the tab, which may stand inside a value, and CR and LF, which have rows of their own. */
const controls = [...Array.from({ length: 32 }, (_, byte) => byte), 0x7f].filter(
  (byte) => byte !== 0x09 && byte !== 0x0a && byte !== 0x0d,
);

const headTooLarge = { status: 431, type: 'http_request_error', reason: 'head_too_large' };

refusalTable(sidecar, upstream, [
  { name: 'an empty header name is refused', bytes: withFields(': x\r\n') },
  { name: 'a header line without a colon is refused', bytes: withFields('nonsense\r\n') },
  { name: 'a space before the colon is refused', bytes: withFields('X-A : b\r\n') },
  { name: 'a tab before the colon is refused', bytes: withFields('X-A\t: b\r\n') },
  {
    name: 'a space before the colon of Content-Length is refused',
    bytes: withFields('Content-Length : 3\r\n'),
  },
  {
    name: 'a space before the first header is refused',
    bytes: 'GET / HTTP/1.1\r\n Host: u.test\r\nX-A: b\r\n\r\n',
  },
  { name: 'a folded header line is refused', bytes: withFields('X-A: b\r\n c\r\n') },
  { name: 'a header line folded with a tab is refused', bytes: withFields('X-A: b\r\n\tc\r\n') },
  { name: 'a line of nothing but a space is refused', bytes: withFields(' \r\n') },
  { name: 'a bare LF as line end is refused', bytes: 'GET / HTTP/1.1\nHost: u.test\n\n' },
  { name: 'a bare LF after one header is refused', bytes: withFields('X-A: b\nX-C: d\r\n') },
  { name: 'a bare CR in a value is refused', bytes: withFields('X-A: b\rc\r\n') },
  { name: 'a bare CR before CRLF is refused', bytes: withFields('X-A: b\r\r\n') },
  {
    name: 'an end of head that is no CRLF CRLF is refused',
    bytes: 'GET / HTTP/1.1\r\nHost: u.test\r\n\rX-A: b\r\n\r\n',
  },
  ...controls.map((byte) => ({
    name: `the control ${hex(byte)} in a header value is refused`,
    bytes: withFields(`X-A: b${String.fromCharCode(byte)}c\r\n`),
  })),
  ...controls.map((byte) => ({
    name: `the control ${hex(byte)} in the target is refused`,
    bytes: `GET /a${String.fromCharCode(byte)}b HTTP/1.1\r\nHost: u.test\r\n\r\n`,
  })),
  {
    name: 'a bare LF in the target is refused',
    bytes: 'GET /a\nb HTTP/1.1\r\nHost: u.test\r\n\r\n',
  },
  {
    name: 'a bare CR in the target is refused',
    bytes: 'GET /a\rb HTTP/1.1\r\nHost: u.test\r\n\r\n',
  },
  ...['(', '/', '"', '@', '[', '\xe9', '\0'].map((character) => ({
    name: `${JSON.stringify(character)} in a header name is refused`,
    bytes: withFields(`X${character}A: b\r\n`),
  })),
  { name: 'an underscore in a header name is refused', bytes: withFields('X_A: b\r\n') },
  {
    name: 'Transfer_Encoding is refused',
    bytes: 'POST / HTTP/1.1\r\nHost: u.test\r\nTransfer_Encoding: chunked\r\n\r\n0\r\n\r\n',
  },
  { name: 'a header named __proto__ is refused', bytes: withFields('__proto__: x\r\n') },
  {
    name: 'a header name of 70,000 bytes is too large',
    bytes: withFields(`${'a'.repeat(70_000)}: b\r\n`),
    answer: headTooLarge,
  },
  {
    name: 'a header value of 64 KiB is too large',
    bytes: withFields(`X-A: ${'b'.repeat(65_536)}\r\n`),
    answer: headTooLarge,
  },
  {
    name: '20,000 header lines are too many',
    bytes: withFields('X-A: b\r\n'.repeat(20_000)),
    answer: headTooLarge,
  },
  {
    name: '201 header lines are too many, and none of them is lost in silence',
    bytes: withFields('X-A: b\r\n'.repeat(200)),
    answer: headTooLarge,
  },
]);

forwardedTable(sidecar, upstream, [
  {
    name: 'obs-text in a value is forwarded unchanged',
    bytes: withFields('X-A: caf\xe9 \x80\xff\r\n'),
    check: (sent) => assert.match(sent, /^X-A: caf\xe9 \x80\xff$/m),
  },
  {
    name: 'a tab inside a value is forwarded unchanged',
    bytes: withFields('X-A: b\tc\r\n'),
    check: (sent) => assert.match(sent, /^X-A: b\tc$/m),
  },
  {
    name: 'names keep their case, and repeated headers their number and order',
    bytes: withFields('X-Weird-CASE: 1\r\nx-weird-case: 2\r\nCookie: a=b\r\nX-WEIRD-case: 3\r\n'),
    check: (sent) => assert.match(sent, /X-Weird-CASE: 1\nx-weird-case: 2\nCookie: a=b\nX-WEIRD-case: 3/),
  },
  {
    name: 'an empty value is forwarded',
    bytes: withFields('X-A:\r\n'),
    check: (sent) => assert.match(sent, /^X-A: ?$/m),
  },
  {
    name: '190 header lines are all forwarded',
    bytes: withFields(Array.from({ length: 190 }, (_, index) => `X-${index}: ${index}\r\n`).join('')),
    check: (sent) => assert.equal(sent.match(/^X-\d+: \d+$/gm)?.length, 190),
  },
  {
    name: 'headers named like members of every object are forwarded as any other',
    bytes: withFields('constructor: a\r\nhasOwnProperty: b\r\ntoString: c\r\nvalueOf: d\r\n'),
    check: (sent) => {
      assert.match(sent, /constructor: a\nhasOwnProperty: b\ntoString: c\nvalueOf: d/);
      assert.equal(typeof {}.toString, 'function');
    },
  },
  {
    name: 'what Connection names is removed, Connection is not forwarded, the framing is untouched',
    bytes:
      'POST / HTTP/1.1\r\nHost: u.test\r\nConnection: close, X-Secret, Keep-Alive, TE\r\n' +
      'X-Secret: s\r\nKeep-Alive: timeout=5\r\nTE: gzip\r\nX-Public: p\r\nContent-Length: 3\r\n\r\nabc',
    check: (sent, body) => {
      assert.doesNotMatch(sent, /^(?:x-secret|keep-alive|te):/im);
      assert.doesNotMatch(sent, /^connection: .*(?:secret|te\b)/im);
      assert.match(sent, /^X-Public: p$/m);
      assert.match(sent, /^content-length: 3$/im);
      assert.equal(body.toString(), 'abc');
    },
  },
  {
    name: 'several Connection lines count together, in any case and with empty elements',
    bytes: withFields('Connection: x-one,,\r\ncOnNeCtIoN: , X-TWO\r\nX-One: 1\r\nx-two: 2\r\nX-Three: 3\r\n'),
    check: (sent) => {
      assert.doesNotMatch(sent, /^x-(?:one|two):/im);
      assert.match(sent, /^X-Three: 3$/m);
    },
  },
  {
    name: 'hop-by-hop headers are not forwarded, with or without Connection',
    bytes: withFields(
      'Proxy-Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nTE: gzip\r\nProxy-Authorization: Basic eA==\r\n',
    ),
    check: (sent) =>
      assert.doesNotMatch(sent, /^(?:proxy-connection|keep-alive|te: gzip|proxy-authorization)/im),
  },
  {
    name: 'an upgrade to h2c is taken out and the request forwarded as plain HTTP/1.1',
    bytes: withFields(
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n',
    ),
    check: (sent) => assert.doesNotMatch(sent, /upgrade|h2c|http2-settings/i),
  },
  {
    name: 'HTTP2-Settings alone is not forwarded',
    bytes: withFields('HTTP2-Settings: AAMAAABkAAQAAP__\r\n'),
    check: (sent) => assert.doesNotMatch(sent, /http2-settings/i),
  },
]);

/** What goes on to the upstream whatever the client says of its connection; Via has ours behind it. */
const endToEnd: Readonly<Record<string, string>> = {
  Authorization: 'Basic eA==',
  Cookie: 'a=b',
  Forwarded: 'for=192.0.2.7',
  'X-Forwarded-For': '192.0.2.7',
  'X-Forwarded-Host': 'shop.test',
  'X-Forwarded-Proto': 'https',
  traceparent: '00-1-2-3',
  tracestate: 'a=1',
};
const endToEndLines = Object.entries(endToEnd).map(([name, value]) => `${name}: ${value}\r\n`);

for (const name of ['Host', 'Content-Length', 'Transfer-Encoding', 'Via', ...Object.keys(endToEnd)]) {
  test(`Connection cannot make the proxy strip ${name}`, async (t) => {
    const before = upstream.exchanges.length;
    const framing = name === 'Transfer-Encoding' ? 'Transfer-Encoding: chunked' : 'Content-Length: 3';
    const body = name === 'Transfer-Encoding' ? '3\r\nabc\r\n0\r\n\r\n' : 'abc';

    const response = await exchangeRaw(
      t,
      sidecar.egress,
      `POST / HTTP/1.1\r\nHost: u.test\r\nConnection: ${name}\r\nVia: 1.1 other\r\n` +
        `${endToEndLines.join('')}${framing}\r\n\r\n${body}`,
    );

    if (statusOf(response) === 400) {
      assert.equal(upstream.exchanges.length, before, 'refused, and nothing was sent');
      return;
    }
    const sent = upstream.exchanges[before]!.message!;
    assert.equal(fieldOf(sent, 'host'), 'u.test');
    for (const [field, value] of Object.entries(endToEnd)) {
      assert.equal(fieldOf(sent, field.toLowerCase()), value, field);
    }
    assert.ok(fieldsOf(sent, 'via').join(', ').startsWith('1.1 other, 1.1 outrigger-'));
    assert.equal(sent.body.toString(), 'abc');
  });
}
