import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  childEnvironment,
  clashingUpstreams,
  displacedProxies,
  type OwnPort,
  type Variables,
} from '../../src/cli/child-environment.ts';

const loopback = (port: number) => ({ host: '127.0.0.1', port });

const environment = (env: Variables = {}, ownPorts: readonly OwnPort[] = [], hosts: readonly string[] = []) =>
  childEnvironment({
    env,
    egress: loopback(7400),
    admin: loopback(7401),
    ownPorts,
    hosts: hosts.map((host) => ({ host, port: 0 })),
  });

const direct = (env: Variables, hosts?: readonly string[]): readonly string[] =>
  environment(env, [], hosts)['NO_PROXY']!.split(',');

test('every proxy variable leads to the sidecar, in both cases, and Node is told to read them', () => {
  const env = environment();
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY']) {
    assert.equal(env[name], 'http://127.0.0.1:7400');
    assert.equal(env[name.toLowerCase()], 'http://127.0.0.1:7400');
  }
  assert.equal(env['NODE_USE_ENV_PROXY'], '1');
  assert.equal(env['OUTRIGGER_ADMIN'], '127.0.0.1:7401');
});

test('what the environment holds beside these stays as it is', () => {
  assert.equal(environment({ PATH: '/bin', UNSET: undefined })['PATH'], '/bin');
  assert.ok(!('UNSET' in environment({ UNSET: undefined })));
});

test('another proxy is replaced in both cases, and named for the line that says so', () => {
  const given = { HTTP_PROXY: 'http://corp:3128', https_proxy: 'http://corp:3128', ALL_PROXY: '' };
  const env = environment(given);
  for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy'])
    assert.equal(env[name], 'http://127.0.0.1:7400');
  assert.deepEqual(displacedProxies(given), ['HTTP_PROXY', 'https_proxy']);
  assert.deepEqual(displacedProxies({}), []);
});

test('NO_PROXY keeps what was in it, in either case, and gets this machine', () => {
  const list = direct({ NO_PROXY: 'a.test, .b.test', no_proxy: 'c.test a.test' });
  assert.deepEqual(list.slice(0, 3), ['a.test', '.b.test', 'c.test']);
  for (const host of ['localhost', '127.0.0.1', '::1', '169.254.169.254']) assert.ok(list.includes(host));
  assert.equal(new Set(list).size, list.length);
  const env = environment({ NO_PROXY: 'a.test' });
  assert.equal(env['no_proxy'], env['NO_PROXY']);
});

test('a star in NO_PROXY stands alone: curl knows it only so', () => {
  assert.deepEqual(direct({ no_proxy: 'a.test,*' }), ['*']);
});

test('localhost goes through the proxy once an upstream is called by it; 127.0.0.1, where the ports are, never does', () => {
  assert.ok(direct({}, ['reviews']).includes('localhost'));
  const list = direct({}, ['localhost', '127.0.0.1']);
  assert.ok(!list.includes('localhost'));
  assert.ok(list.includes('127.0.0.1'));
});

test('an upstream with a port of its own has a variable: a URL for HTTP, an address for TCP', () => {
  const env = environment({ OUTRIGGER_UPSTREAM_REVIEWS: 'of before' }, [
    { upstream: 'reviews', protocol: 'http', address: loopback(9001) },
    { upstream: 'orders-DB', protocol: 'tcp', address: { host: '::1', port: 5432 } },
  ]);
  assert.equal(env['OUTRIGGER_UPSTREAM_REVIEWS'], 'http://127.0.0.1:9001');
  assert.equal(env['OUTRIGGER_UPSTREAM_ORDERS_DB'], '[::1]:5432');
});

test('a listener on all addresses is called on loopback', () => {
  const env = childEnvironment({
    env: {},
    egress: { host: '::', port: 7400 },
    admin: { host: '0.0.0.0', port: 7401 },
    ownPorts: [{ upstream: 'u', protocol: 'http', address: { host: '0.0.0.0', port: 9001 } }],
    hosts: [],
  });
  assert.equal(env['HTTP_PROXY'], 'http://[::1]:7400');
  assert.equal(env['OUTRIGGER_ADMIN'], '127.0.0.1:7401');
  assert.equal(env['OUTRIGGER_UPSTREAM_U'], 'http://127.0.0.1:9001');
});

test('names that a variable cannot tell apart are found', () => {
  assert.deepEqual(clashingUpstreams(['a-b', 'c', 'A_b', 'd', 'a_b']), [
    ['a-b', 'A_b'],
    ['a-b', 'a_b'],
  ]);
  assert.deepEqual(clashingUpstreams(['a-b', 'ab', 'a-c']), []);
});
