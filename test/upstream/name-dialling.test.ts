import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TimeoutQueues } from '../../src/lib/timeout-queues.ts';
import { EventBus } from '../../src/telemetry/bus.ts';
import { isOwnListener, UnlistedRules } from '../../src/upstream/address-rules.ts';
import { Dialer } from '../../src/upstream/dialer.ts';
import { Resolver } from '../../src/upstream/resolver.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { DnsServer } from '../rig/dns-server.ts';
import { eventually } from '../rig/eventually.ts';
import { listenOnIpv6Alone } from '../rig/ipv6-alone.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const listen = async (t: TestContext, host: string, port = 0): Promise<number> => {
  const server = createServer((socket) => socket.on('error', () => {}).resume()).listen(port, host);
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
};

/** The real resolver and dialer for unlisted destinations, a name server, and a spy on what is dialled. */
const setUp = async (t: TestContext, hosts: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-names-'));
  const hostsPath = join(folder, 'hosts');
  writeFileSync(hostsPath, hosts);
  const server = await DnsServer.start(t);
  const clock = new VirtualClock();
  const listeners: { host: string; port: number }[] = [];
  const resolver = new Resolver({
    clock,
    hostsPath,
    dns: { servers: [server.address], search: [], ndots: 1, timeoutMs: 50, tries: 1 },
    isOwnListener: (ip, port) => isOwnListener(listeners, ip, port),
  });
  const dialled: string[] = [];
  const sockets: Socket[] = [];
  const timeouts = new TimeoutQueues(clock);
  const dialer = new Dialer({
    clock,
    timeouts,
    resolver,
    rules: new UnlistedRules(() => listeners),
    connect: (options: NetConnectOpts) => {
      dialled.push('host' in options ? (options.host ?? '') : '');
      const socket = connect(options);
      sockets.push(socket);
      return socket;
    },
  });
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    timeouts.close();
    resolver.close();
    rmSync(folder, { recursive: true });
  });
  /** Where it got to, or why not. */
  const dial = (host: string, port: number): Promise<string> =>
    new Promise((resolve) => {
      dialer.dial({ kind: 'name', host, port }, 1000, {
        dialled: (socket) => resolve(`to ${socket.remoteAddress}`),
        dialFailed: (fault) => resolve(`${fault.reason} ${fault.detail}`),
      });
    });
  return { server, clock, resolver, dial, dialled, listeners };
};

test('names are dialled by what the name servers, the hosts file and localhost say', async (t) => {
  const { server, dial, dialled } = await setUp(t, '127.0.0.1 listed.test\n');
  const port = await listen(t, '127.0.0.1');
  server.set('known.test', { a: ['127.0.0.1'], aaaa: ['::1'] });
  assert.equal(await dial('known.test', port), 'to 127.0.0.1');
  assert.equal(await dial('listed.test', port), 'to 127.0.0.1');
  assert.equal(await dial('localhost', port), 'to 127.0.0.1');
  assert.deepEqual(dialled, ['127.0.0.1', '127.0.0.1', '127.0.0.1']);
});

test('a server on localhost that listens on IPv6 alone is reached', async (t) => {
  const { dial, dialled } = await setUp(t, '');
  assert.equal(await dial('localhost', await listenOnIpv6Alone(t)), 'to ::1');
  assert.deepEqual(dialled, ['127.0.0.1', '::1']);
});

test('a name that leads to a forbidden address is refused without a dial', async (t) => {
  const { server, dial, dialled } = await setUp(t, '169.254.169.254 metadata.google.internal\n');
  server.set('rebound.test', { a: ['169.254.169.254'], aaaa: ['::ffff:a9fe:a9fe', 'fd00:ec2::254'] });
  server.set('nowhere.test', { a: ['0.0.0.0'], aaaa: ['::'] });
  assert.equal(await dial('rebound.test', 80), 'prohibited_address cloud metadata address');
  assert.equal(await dial('nowhere.test', 80), 'prohibited_address unspecified address');
  assert.equal(await dial('metadata.google.internal', 80), 'prohibited_address cloud metadata address');
  assert.equal(await dial('2852039166', 80), 'prohibited_address address in disguise');
  assert.deepEqual(dialled, []);
});

test('a name that changes its mind is judged anew at each connection', async (t) => {
  const { server, clock, dial, dialled, listeners } = await setUp(t, '');
  const port = await listen(t, '127.0.0.1');
  listeners.push({ host: '127.0.0.2', port });
  server.set('rebinding.test', { a: ['127.0.0.1'], ttlSeconds: 0 });
  assert.equal(await dial('rebinding.test', port), 'to 127.0.0.1');
  server.set('rebinding.test', { a: ['127.0.0.2'], ttlSeconds: 0 });
  clock.advance(1000);
  assert.equal(await dial('rebinding.test', port), 'prohibited_address own listener');
  assert.deepEqual(dialled, ['127.0.0.1']);
  assert.equal(server.askedFor('rebinding.test'), 2);
});

test('an entry of the hosts file that leads the app to us does not lead us to ourselves', async (t) => {
  const { server, dial, dialled, listeners } = await setUp(t, '127.0.0.2 reviews\n');
  const port = await listen(t, '127.0.0.1');
  listeners.push({ host: '127.0.0.2', port });
  server.set('reviews', { a: ['127.0.0.1'] });
  assert.equal(await dial('reviews', port), 'to 127.0.0.1');
  assert.deepEqual(dialled, ['127.0.0.1']);
});

test('a service name is dialled by what its records say, address and port', async (t) => {
  const { server, dial, dialled } = await setUp(t, '');
  const port = await listen(t, '127.0.0.1');
  server.set('_http._tcp.reviews.test', { srv: [{ port, target: 'one.test' }] });
  server.set('one.test', { a: ['127.0.0.1'] });
  assert.equal(await dial('_http._tcp.reviews.test', 0), 'to 127.0.0.1');
  assert.deepEqual(dialled, ['127.0.0.1']);
});

test('a declared name follows the name servers in the background', async (t) => {
  const { server, clock, resolver } = await setUp(t, '');
  server.set('reviews.test', { a: ['127.0.0.1', '127.0.0.2'], ttlSeconds: 5 });
  const upstream = new Upstream({
    name: 'reviews',
    source: { kind: 'dns', host: 'reviews.test', port: 80 },
    resolver,
    clock,
    random: () => 0,
    bus: new EventBus([]),
  });
  t.after(() => upstream.close());
  const labels = (): string => upstream.endpoints.map(({ label }) => label).join(' ');
  upstream.start();
  await eventually('both addresses are endpoints', () => labels() === '127.0.0.1:80 127.0.0.2:80');
  server.set('reviews.test', { a: ['127.0.0.2', '127.0.0.3'], ttlSeconds: 5 });
  clock.advance(5000);
  await eventually('the new set is in use', () => labels() === '127.0.0.2:80 127.0.0.3:80');
});
