import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { forwardedTable, refusalTable } from '../rig/refusal-table.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar({ after }, upstreamU([upstream.address]));

const line = (startLine: string, fields = 'Host: u.test\r\n'): string => `${startLine}\r\n${fields}\r\n`;
const get = (host: string): string => line('GET / HTTP/1.1', `Host: ${host}\r\n`);

const versionUnsupported = { status: 505, type: 'http_request_error', reason: 'version_unsupported' };
const notImplemented = { status: 501, type: 'http_request_error', reason: 'not_implemented' };
const methodNotAllowed = { status: 405, type: 'http_request_denied', reason: 'method_not_allowed' };

refusalTable(sidecar, upstream, [
  { name: 'an HTTP/0.9 line is refused', bytes: 'GET /\r\n\r\n' },
  { name: 'a request line without a target is refused', bytes: line('GET HTTP/1.1') },
  ...['HTTP/2.0', 'HTTP/1.2', 'HTTP/9.9', 'HTTP/0.9'].map((version) => ({
    name: `${version} is a version that the proxy does not speak`,
    bytes: line(`GET / ${version}`),
    answer: versionUnsupported,
  })),
  ...[
    'http/1.1',
    'HTTP/1.10',
    'HTTP/1',
    'HTTP/1.',
    'HTTP/11',
    'HTTP/1.1 ',
    'HTTP/1.x',
    'HTTPS/1.1',
    'HTTP/+1.1',
  ].map((version) => ({
    name: `${JSON.stringify(version)} is not a version and refused`,
    bytes: line(`GET / ${version}`),
  })),
  { name: 'two spaces after the method are refused', bytes: line('GET  / HTTP/1.1') },
  { name: 'two spaces before the version are refused', bytes: line('GET /  HTTP/1.1') },
  { name: 'a tab after the method is refused', bytes: line('GET\t/ HTTP/1.1') },
  { name: 'a space in the target is refused', bytes: line('GET /a b HTTP/1.1') },
  { name: 'a space before the method is refused', bytes: line(' GET / HTTP/1.1') },
  {
    name: 'a thousand empty lines before the request line are refused',
    bytes: '\r\n'.repeat(1000) + get('u.test'),
  },
  { name: 'a raw byte above 0x7f in the target is refused', bytes: line('GET /\xe9 HTTP/1.1') },
  { name: 'raw UTF-8 in the target is refused', bytes: Buffer.from(line('GET /é HTTP/1.1'), 'utf8') },
  {
    name: 'a method in lower case is not implemented',
    bytes: line('get / HTTP/1.1'),
    answer: notImplemented,
  },
  {
    name: 'a method in mixed case is not implemented',
    bytes: line('Get / HTTP/1.1'),
    answer: notImplemented,
  },
  {
    name: 'a method of 8 KiB is not implemented',
    bytes: line(`${'A'.repeat(8192)} / HTTP/1.1`),
    answer: { ...notImplemented, status: 501 },
  },
  {
    name: 'a method of 33 bytes is not implemented',
    bytes: line(`${'A'.repeat(33)} / HTTP/1.1`),
    answer: notImplemented,
  },
  { name: 'a method that is not a token is refused', bytes: line('GE(T / HTTP/1.1') },
  { name: 'TRACE is not allowed', bytes: line('TRACE / HTTP/1.1'), answer: methodNotAllowed },
  {
    name: 'TRACE with content is not allowed',
    bytes: `${line('TRACE / HTTP/1.1', 'Host: u.test\r\nContent-Length: 3\r\n')}abc`,
    answer: methodNotAllowed,
  },
  {
    name: 'TRACE with credentials is not allowed and they are not echoed',
    bytes: line('TRACE / HTTP/1.1', 'Host: u.test\r\nAuthorization: Basic eA==\r\n'),
    answer: methodNotAllowed,
  },
  {
    name: 'TRACE with Max-Forwards 0 is not allowed either',
    bytes: line('TRACE / HTTP/1.1', 'Host: u.test\r\nMax-Forwards: 0\r\n'),
    answer: methodNotAllowed,
  },
]);

forwardedTable(sidecar, upstream, [
  {
    name: 'an unknown method in upper case is forwarded',
    bytes: line('FOOBAR /x HTTP/1.1'),
    check: (sent) => assert.ok(sent.startsWith('FOOBAR /x HTTP/1.1\n')),
  },
  {
    name: 'one empty line before the request line is tolerated',
    bytes: `\r\n${get('u.test')}`,
    check: (sent) => assert.ok(sent.startsWith('GET / HTTP/1.1\n')),
  },
]);

test('OPTIONS with Max-Forwards 0 is answered by the proxy', async (t) => {
  const before = upstream.received.length;
  const client = await connectRaw(t, sidecar.egress);

  const response = await client
    .send(line('OPTIONS / HTTP/1.1', 'Host: u.test\r\nMax-Forwards: 0\r\n'))
    .response();

  assert.equal(statusOf(response), 200);
  assert.equal(upstream.received.length, before);
});

forwardedTable(sidecar, upstream, [
  {
    name: 'OPTIONS with Max-Forwards 5 goes on with 4',
    bytes: line('OPTIONS / HTTP/1.1', 'Host: u.test\r\nMax-Forwards: 5\r\n'),
    check: (sent) => assert.match(sent, /^max-forwards: 4$/im),
  },
  {
    name: 'Max-Forwards of another method is left alone',
    bytes: line('GET / HTTP/1.1', 'Host: u.test\r\nMax-Forwards: 0\r\n'),
    check: (sent) => assert.match(sent, /^max-forwards: 0$/im),
  },
]);

const foreign: readonly (readonly [name: string, bytes: Buffer])[] = [
  ['a TLS ClientHello', Buffer.from('1603010200010001fc0303', 'hex')],
  ['an SSH banner', Buffer.from('SSH-2.0-OpenSSH_9.2p1\r\n')],
  ['a SOCKS5 greeting', Buffer.from('050100', 'hex')],
  ['an RDP connection request', Buffer.from('0300001302e000000000000100080003000000', 'hex')],
  [
    'a PROXY protocol v1 line',
    Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\nHost: u.test\r\n\r\n'),
  ],
  [
    'a PROXY protocol v2 header',
    Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000201c000020200010002', 'hex'),
  ],
  ['an HTTP/2 preface', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
];

for (const [name, bytes] of foreign) {
  test(`${name} is cut off at once, without waiting for more`, { timeout: 5000 }, async (t) => {
    const before = upstream.received.length;
    const client = await connectRaw(t, sidecar.egress);

    client.send(bytes);
    await client.closed();

    if (client.received.length > 0) assertOwnAnswer(await client.response(), { status: [400, 505] });
    assert.equal(upstream.received.length, before);
    assert.ok(!JSON.stringify(sidecar.accessLog).includes('OpenSSH'), 'nothing of it is logged raw');
  });
}
