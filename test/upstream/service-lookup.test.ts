import assert from 'node:assert/strict';
import { mkdtempDisposableSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { Resolver } from '../../src/upstream/resolver.ts';
import { DnsServer } from '../rig/dns-server.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const SERVICE = '_http._tcp.reviews.test';

/** A resolver with a name server that knows `SERVICE` by these records. */
const start = async (t: TestContext, hosts = '') => {
  const folder = mkdtempDisposableSync(join(tmpdir(), 'outrigger-services-'));
  t.after(() => folder.remove());
  const hostsPath = join(folder.path, 'hosts');
  writeFileSync(hostsPath, hosts);
  const server = await DnsServer.start(t);
  const clock = new VirtualClock();
  const resolver = new Resolver({
    clock,
    hostsPath,
    dns: { servers: [server.address], search: ['search.test'], ndots: 5, timeoutMs: 50, tries: 1 },
  });
  t.after(() => resolver.close());
  /** `address:port` of each endpoint and the time to live, or reason and detail. */
  const ask = (name = SERVICE): Promise<string> =>
    new Promise((resolve) => {
      resolver.resolve(name, 0, {
        resolved: (addresses, ttlMs) =>
          resolve(`${addresses.map(({ host, port }) => `${host}:${port}`).join(' ')} ${ttlMs}`),
        failed: ({ reason, detail }) => resolve(`${reason} ${detail}`),
      });
    });
  return { server, clock, ask };
};

test('a service is its targets, each with the port of its record and the addresses of both families', async (t) => {
  const { server, ask } = await start(t);
  server.set(SERVICE, {
    srv: [
      { port: 9080, target: 'one.test' },
      { port: 9081, target: 'two.test' },
      { port: 9082, target: 'one.test' },
    ],
  });
  server.set('one.test', { a: ['10.0.0.1'], aaaa: ['fd00::1'], ttlSeconds: 9 });
  server.set('two.test', { a: ['10.0.0.2'], ttlSeconds: 4 });
  assert.equal(await ask(), '10.0.0.1:9080 fd00::1:9080 10.0.0.2:9081 10.0.0.1:9082 fd00::1:9082 4000');
  assert.equal(server.askedFor('one.test'), 1);
});

test('only the lowest priority that has addresses is used', async (t) => {
  const { server, clock, ask } = await start(t);
  server.set(SERVICE, {
    srv: [
      { priority: 20, port: 82, target: 'third.test' },
      { priority: 10, port: 81, target: 'second.test' },
      { priority: 0, port: 80, target: 'first.test' },
    ],
  });
  server.set('second.test', { a: ['10.0.0.2'], ttlSeconds: 1 });
  server.set('third.test', { a: ['10.0.0.3'], ttlSeconds: 1 });
  assert.equal(await ask(), '10.0.0.2:81 1000');
  assert.equal(server.askedFor('third.test'), 0);
  server.set('first.test', { a: ['10.0.0.1'], ttlSeconds: 1 });
  clock.advance(1000);
  assert.equal(await ask(), '10.0.0.1:80 1000');
});

test('targets are whole names: they are not searched for, and the hosts file may know them', async (t) => {
  const { server, ask } = await start(t, '10.7.7.7 listed.test\n');
  server.set(SERVICE, {
    srv: [
      { port: 80, target: 'one' },
      { port: 80, target: 'listed.test' },
    ],
  });
  server.set('one.search.test', { a: ['10.66.66.66'] });
  server.set('one', { a: ['10.0.0.1'] });
  assert.equal(await ask(), '10.0.0.1:80 10.7.7.7:80 1000');
});

test('targets without addresses are left out, and without any of them there is no service', async (t) => {
  const { server, clock, ask } = await start(t);
  server.set(SERVICE, {
    srv: [
      { port: 80, target: 'gone.test' },
      { port: 80, target: 'one.test' },
    ],
  });
  server.set('one.test', { a: ['10.0.0.1'], ttlSeconds: 1 });
  assert.equal(await ask(), '10.0.0.1:80 1000');
  server.set('one.test', {});
  clock.advance(1000);
  assert.equal(await ask(), 'dns_error NODATA');
});

test('a target whose name servers fail keeps its addresses while the others are known anew', async (t) => {
  const { server, clock, ask } = await start(t);
  server.set(SERVICE, {
    srv: [
      { port: 80, target: 'one.test' },
      { port: 81, target: 'two.test' },
    ],
  });
  server.set('one.test', { a: ['10.0.0.1'], ttlSeconds: 1 });
  server.set('two.test', { a: ['10.0.0.2'], ttlSeconds: 1 });
  assert.equal(await ask(), '10.0.0.1:80 10.0.0.2:81 1000');
  server.set('one.test', 'servfail');
  server.set('two.test', { a: ['10.0.0.22'], ttlSeconds: 1 });
  for (let round = 0; round < 2; round += 1) {
    clock.advance(1000);
    assert.equal(await ask(), '10.0.0.1:80 10.0.0.22:81 1000');
  }
  server.set('two.test', 'servfail');
  clock.advance(1000);
  assert.equal(await ask(), 'dns_error SERVFAIL', 'memory alone is no answer');
});

test('what the name servers say of the service itself is told apart', async (t) => {
  const { server, ask } = await start(t);
  server.set('_http._tcp.off.test', { srv: [{ port: 80, target: '.' }] });
  server.set('_http._tcp.broken.test', 'servfail');
  server.set('_http._tcp.silent.test', 'silence');
  assert.equal(await ask('_http._tcp.off.test'), 'dns_error NODATA');
  assert.equal(await ask('_http._tcp.missing.test'), 'dns_error NXDOMAIN');
  assert.equal(await ask('_http._tcp.broken.test'), 'dns_error SERVFAIL');
  assert.equal(await ask('_http._tcp.silent.test'), 'dns_timeout ETIMEOUT');
});

test('two hundred targets are two hundred endpoints, and those who ask at the same time share the queries', async (t) => {
  const { server, ask } = await start(t);
  const targets = Array.from({ length: 200 }, (_, index) => `t${index}.test`);
  server.set(SERVICE, { srv: targets.map((target) => ({ port: 80, target })) });
  for (const [index, target] of targets.entries()) server.set(target, { a: [`10.0.0.${index}`] });
  const [one, other] = await Promise.all([ask(), ask()]);
  assert.deepEqual(one.split(' '), [...targets.map((_, index) => `10.0.0.${index}:80`), '30000']);
  assert.equal(other, one);
  assert.equal(server.questions.filter((question) => question.startsWith('A ')).length, 200);
});
