import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type DnsName,
  formatDnsName,
  formatListenAddress,
  isLoopback,
  parseDnsName,
  parseEndpointAddress,
  parseHostPattern,
  parseListenAddress,
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

test('what is resolved in the background is a name with its port, or a service without one', () => {
  assert.deepEqual(parseDnsName('Reviews.shop.:80'), { host: 'reviews.shop', port: 80 });
  assert.deepEqual(parseDnsName('_http.shop:80'), { host: '_http.shop', port: 80 });
  assert.deepEqual(parseDnsName('_HTTP._tcp.reviews.shop'), { host: '_http._tcp.reviews.shop', port: 0 });
  for (const text of ['[::1]:80', 'reviews.shop:80', '_http._tcp.reviews.shop']) {
    assert.equal(formatDnsName(parseDnsName(text) as DnsName), text);
  }
  for (const text of ['reviews.shop', '_http.shop', '_http._tcp', 'http._tcp.shop', '10.0.0.1']) {
    assert.equal(parseDnsName(text), 'no port', text);
  }
  for (const text of ['_http._tcp.shop:80', '_grpc._tcp.a.b:1']) {
    assert.equal(parseDnsName(text), 'service with a port', text);
  }
  for (const text of ['', ':80', 'a:0', 'a:65536', '_http._tcp.shop:0', '_http._tcp.a b', 'a:b:80']) {
    assert.equal(parseDnsName(text), 'no name', text);
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
