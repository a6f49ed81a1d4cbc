import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  cannotShare,
  formatListenAddress,
  isLoopback,
  parseEndpointAddress,
  parseHostPattern,
  parseListenAddress,
  wouldReach,
} from '../../src/config/addresses.ts';

const listen = (text: string) => {
  const address = parseListenAddress(text);
  assert.ok(address !== null, text);
  return address;
};

test('a listener has an IP address or localhost, and a port that may be 0', () => {
  assert.deepEqual(parseListenAddress('127.0.0.1:7400'), { host: '127.0.0.1', port: 7400 });
  assert.deepEqual(parseListenAddress('[::1]:0'), { host: '::1', port: 0 });
  assert.deepEqual(parseListenAddress('LOCALHOST:80'), { host: 'localhost', port: 80 });
  assert.equal(formatListenAddress(listen('[0:0::1]:80')), '[::1]:80');
  for (const text of [
    '127.0.0.1',
    ':80',
    'example.com:80',
    '127.0.0.1:65536',
    '::1:80',
    '[127.0.0.1]:80',
    'unix:/x',
    '1.2.3:80',
    '127.0.0.1:-1',
    '127.0.0.1:+8',
    '127.0.0.1: 8',
    '01.2.3.4:80',
  ]) {
    assert.equal(parseListenAddress(text), null, text);
  }
});

test('an endpoint is an IP address, a name or a socket file', () => {
  assert.deepEqual(parseEndpointAddress('10.1.0.4:9080'), { kind: 'ip', host: '10.1.0.4', port: 9080 });
  assert.deepEqual(parseEndpointAddress('[FD00::5]:9080'), { kind: 'ip', host: 'fd00::5', port: 9080 });
  assert.deepEqual(parseEndpointAddress('Reviews.shop.:80'), {
    kind: 'name',
    host: 'reviews.shop',
    port: 80,
  });
  assert.deepEqual(parseEndpointAddress('unix:/run/a.sock'), { kind: 'unix', path: '/run/a.sock' });
  for (const text of [
    '10.1.0.4',
    '10.1.0.4:0',
    'unix:relative',
    'unix:',
    'a b:80',
    'a/b:80',
    'user@host:80',
    'http://a:80',
    '1.2.3.256:80',
    '-a:80',
    `unix:/${'x'.repeat(107)}`,
    `${'a'.repeat(64)}:80`,
  ]) {
    assert.equal(parseEndpointAddress(text), null, text);
  }
});

test('a host name goes with or without a port', () => {
  assert.deepEqual(parseHostPattern('reviews'), { host: 'reviews', port: 0 });
  assert.deepEqual(parseHostPattern('my_service:8080'), { host: 'my_service', port: 8080 });
  assert.deepEqual(parseHostPattern('[::1]'), { host: '::1', port: 0 });
  assert.deepEqual(parseHostPattern('::1'), { host: '::1', port: 0 });
  for (const text of ['', 'a..b', '*.a', 'a:0', 'a:', 'a:b'])
    assert.equal(parseHostPattern(text), null, text);
});

test('loopback is all of 127.0.0.0/8, ::1, localhost, and the same in IPv6 clothes', () => {
  for (const host of ['127.0.0.1', '127.9.9.9', '::1', 'localhost', '::ffff:7f00:1'])
    assert.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '::ffff:a00:1', 'localhost.example'])
    assert.ok(!isLoopback(host), host);
});

test('two listeners collide on the same address, and on a wildcard that covers the other', () => {
  for (const [a, b, collide] of [
    ['127.0.0.1:80', '127.0.0.1:80', true],
    ['0.0.0.0:80', '127.0.0.1:80', true],
    ['[::]:80', '127.0.0.1:80', true],
    ['localhost:80', '[::1]:80', true],
    ['127.0.0.1:80', '127.0.0.2:80', false],
    ['0.0.0.0:80', '[::1]:80', false],
    ['127.0.0.1:80', '127.0.0.1:81', false],
    ['127.0.0.1:0', '127.0.0.1:0', false],
  ] as const) {
    assert.equal(cannotShare(listen(a), listen(b)), collide, `${a} ${b}`);
    assert.equal(cannotShare(listen(b), listen(a)), collide, `${b} ${a}`);
  }
});

test('a listener is reached by its own address, and a wildcard by every loopback one', () => {
  assert.ok(wouldReach('127.0.0.1', 80, listen('localhost:80')));
  assert.ok(wouldReach('localhost', 80, listen('127.0.0.1:80')));
  assert.ok(wouldReach('127.0.0.5', 80, listen('0.0.0.0:80')));
  assert.ok(wouldReach('0.0.0.0', 80, listen('127.0.0.1:80')));
  assert.ok(!wouldReach('10.0.0.1', 80, listen('0.0.0.0:80')));
  assert.ok(!wouldReach('127.0.0.1', 81, listen('127.0.0.1:80')));
});
