import assert from 'node:assert/strict';
import { after } from 'node:test';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { forwardedTable, refusalTable } from '../rig/refusal-table.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar({ after }, upstreamU([upstream.address]));

const line = (startLine: string, fields = 'Host: u.test\r\n'): string => `${startLine}\r\n${fields}\r\n`;
const get = (host: string): string => line('GET / HTTP/1.1', `Host: ${host}\r\n`);

const targetTooLong = { status: 414, type: 'http_request_error', reason: 'target_too_long' };

const badHosts = [
  '',
  'a b',
  'a/b',
  'a?b',
  'u@a',
  'a:99999',
  'a:80x',
  'a:-1',
  '[::1',
  '::1',
  'u.test,u.test',
  'a\\b',
  'a'.repeat(300),
  'a\0b',
  '%00',
];

const badConnects = [
  'a',
  '/',
  'http://a:80/',
  'u.test:0',
  'u.test:65536',
  'u.test:80x',
  'user@u.test:80',
  ':80',
  'u.test:',
  'u.test:80/',
];

refusalTable(sidecar, upstream, [
  { name: 'an HTTP/1.1 request without Host is refused', bytes: line('GET / HTTP/1.1', '') },
  {
    name: 'an HTTP/1.0 request without Host is refused on the egress port',
    bytes: line('GET / HTTP/1.0', ''),
  },
  {
    name: 'two equal Host lines are refused',
    bytes: line('GET / HTTP/1.1', 'Host: u.test\r\nHost: u.test\r\n'),
  },
  {
    name: 'two different Host lines are refused',
    bytes: line('GET / HTTP/1.1', 'Host: u.test\r\nhost: other.test\r\n'),
  },
  {
    name: 'two Host lines are refused beside an absolute-form target too',
    bytes: line('GET http://u.test/ HTTP/1.1', 'Host: u.test\r\nHost: u.test\r\n'),
  },
  ...badHosts.map((host) => ({
    name: `Host ${JSON.stringify(host.length > 40 ? `${host.length} bytes` : host)} is no host and refused`,
    bytes: get(host),
  })),
  { name: 'userinfo in an absolute-form target is refused', bytes: line('GET http://user@u.test/ HTTP/1.1') },
  {
    name: 'userinfo with a password in an absolute-form target is refused',
    bytes: line('GET http://a:b@u.test/ HTTP/1.1'),
  },
  ...['ftp://u.test/', 'file:///etc/passwd', 'javascript:alert(1)', '://u.test/', 'ws://u.test/'].map(
    (target) => ({
      name: `a target with a scheme that the proxy does not speak is refused: ${target}`,
      bytes: line(`GET ${target} HTTP/1.1`),
      answer: { status: [400, 501], type: 'http_request_error' },
    }),
  ),
  ...['http://', 'http:///x', 'http://?x', 'http://u.test:99999/', 'http://[::1/', 'http:/u.test/'].map(
    (target) => ({
      name: `a target without a valid authority is refused: ${target}`,
      bytes: line(`GET ${target} HTTP/1.1`),
    }),
  ),
  { name: 'an asterisk is a target for OPTIONS alone', bytes: line('GET * HTTP/1.1') },
  { name: 'an asterisk with a path is no target', bytes: line('OPTIONS */x HTTP/1.1') },
  { name: 'a target that is neither a path nor a URI is refused', bytes: line('GET x HTTP/1.1') },
  { name: 'an authority is a target for CONNECT alone', bytes: line('GET u.test:80 HTTP/1.1') },
  { name: 'a fragment in the target is refused', bytes: line('GET /a#b HTTP/1.1') },
  { name: 'a fragment in an absolute-form target is refused', bytes: line('GET http://u.test/a#b HTTP/1.1') },
  { name: 'a bare fragment sign is refused', bytes: line('GET /# HTTP/1.1') },
  ...badConnects.map((target) => ({
    name: `CONNECT ${target} is malformed and refused`,
    bytes: line(`CONNECT ${target} HTTP/1.1`),
  })),
  {
    name: 'CONNECT with Content-Length is refused: its body would be tunnel data',
    bytes: `${line('CONNECT u.test:80 HTTP/1.1', 'Host: u.test:80\r\nContent-Length: 3\r\n')}abc`,
  },
  {
    name: 'CONNECT with Transfer-Encoding is refused',
    bytes: `${line('CONNECT u.test:80 HTTP/1.1', 'Host: u.test:80\r\nTransfer-Encoding: chunked\r\n')}0\r\n\r\n`,
  },
  {
    name: 'a target of 64 KiB is too long',
    bytes: line(`GET /${'a'.repeat(65_536)} HTTP/1.1`),
    answer: targetTooLong,
  },
  {
    name: 'a target just over the limit is too long',
    bytes: line(`GET /${'a'.repeat(8193)} HTTP/1.1`),
    answer: targetTooLong,
  },
]);

forwardedTable(sidecar, upstream, [
  {
    name: 'an absolute-form target wins over Host, and the upstream sees one Host: the target',
    bytes: line('GET http://u.test/a?b HTTP/1.1', 'Host: other.test\r\n'),
    check: (sent) => {
      assert.ok(sent.startsWith('GET /a?b HTTP/1.1\n'));
      assert.deepEqual(
        sent.match(/^host: .*$/gim)?.map((host) => host.slice(6)),
        ['u.test'],
      );
    },
  },
  {
    name: 'an absolute-form target without a path is forwarded as /',
    bytes: line('GET http://u.test HTTP/1.1'),
    check: (sent) => assert.ok(sent.startsWith('GET / HTTP/1.1\n')),
  },
  {
    name: 'an absolute-form target with a query and no path gets its slash',
    bytes: line('GET http://u.test?a=b HTTP/1.1'),
    check: (sent) => assert.ok(sent.startsWith('GET /?a=b HTTP/1.1\n')),
  },
  {
    name: 'the case of the scheme and the host does not matter for routing',
    bytes: line('GET HTTP://U.TEST/ HTTP/1.1'),
    check: (sent) => assert.ok(sent.startsWith('GET / HTTP/1.1\n')),
  },
  {
    name: 'OPTIONS * is forwarded as it is',
    bytes: line('OPTIONS * HTTP/1.1'),
    check: (sent) => assert.ok(sent.startsWith('OPTIONS * HTTP/1.1\n')),
  },
  {
    name: 'an absolute-form HTTP/1.0 request needs no Host',
    bytes: line('GET http://u.test/old HTTP/1.0', ''),
    check: (sent) => assert.match(sent, /^GET \/old HTTP\/1\.1\nhost: u\.test$/im),
  },
  {
    name: 'percent-encoding, dot segments and double slashes of a path go through as they came',
    bytes: line('GET /a/../%2e%2E//b;c=d?e=%00&f=/?x HTTP/1.1'),
    check: (sent) => assert.ok(sent.startsWith('GET /a/../%2e%2E//b;c=d?e=%00&f=/?x HTTP/1.1\n')),
  },
  {
    name: 'a target of 8,000 bytes is forwarded',
    bytes: line(`GET /${'a'.repeat(7999)} HTTP/1.1`),
    check: (sent) => assert.ok(sent.startsWith(`GET /${'a'.repeat(7999)} HTTP/1.1\n`)),
  },
]);
