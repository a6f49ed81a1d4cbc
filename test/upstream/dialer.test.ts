import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TimeoutQueues } from '../../src/lib/timeout-queues.ts';
import { type Failure, failure } from '../../src/policy/outcome.ts';
import { type IpLiteral, UnlistedRules } from '../../src/upstream/address-rules.ts';
import { Dialer, type DialObserver } from '../../src/upstream/dialer.ts';
import type { ResolveObserver } from '../../src/upstream/lookup.ts';
import type { Address } from '../../src/upstream/sources.ts';
import { listenOnIpv6Alone } from '../rig/ipv6-alone.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

/** Opens sockets and writes down which; those to `10.0.0.0/8` never connect and never leave the machine. */
class ConnectSpy {
  readonly dialled: string[] = [];
  readonly sockets: Socket[] = [];

  readonly connect = (options: NetConnectOpts): Socket => {
    const where =
      'path' in options && options.path !== undefined
        ? options.path
        : `${'host' in options ? options.host : ''}`;
    this.dialled.push(where);
    const socket = where.startsWith('10.') ? new Socket() : connect(options);
    this.sockets.push(socket);
    return socket;
  };
}

/** A resolver that answers when the test says so. */
class FakeResolver {
  observer: ResolveObserver | null = null;
  asked = 0;
  cancelled = 0;

  resolve(_name: string, _port: number, observer: ResolveObserver) {
    this.asked += 1;
    this.observer = observer;
    return {
      cancel: () => {
        this.cancelled += 1;
      },
    };
  }

  answer(...hosts: string[]): void {
    const addresses: IpLiteral[] = hosts.map((host) => ({ host, family: host.includes(':') ? 6 : 4 }));
    this.observer!.resolved(addresses, 1000);
  }
}

/** Hears how a dial ends, and that it ends once. */
class Heard implements DialObserver {
  readonly ended: Promise<Socket | Failure>;
  result: Socket | Failure | null = null;
  readonly #resolve: (result: Socket | Failure) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<Socket | Failure>();
    this.ended = promise;
    this.#resolve = resolve;
  }

  dialled(socket: Socket): void {
    this.#end(socket);
  }

  dialFailed(fault: Failure): void {
    this.#end(fault);
  }

  async socket(): Promise<Socket> {
    const result = await this.ended;
    assert.ok(result instanceof Socket, JSON.stringify(result));
    return result;
  }

  async reason(): Promise<string> {
    const result = await this.ended;
    assert.ok(!(result instanceof Socket));
    assert.equal(result.isUnsent, true);
    return `${result.reason} ${result.detail}`.trim();
  }

  #end(result: Socket | Failure): void {
    assert.equal(this.result, null, 'heard twice');
    this.result = result;
    this.#resolve(result);
  }
}

const setUp = (t: TestContext, rules: UnlistedRules | null = null) => {
  const spy = new ConnectSpy();
  const clock = new VirtualClock();
  const resolver = new FakeResolver();
  const timeouts = new TimeoutQueues(clock);
  const dialer = new Dialer({ clock, timeouts, resolver, rules, connect: spy.connect });
  t.after(() => {
    for (const socket of spy.sockets) socket.destroy();
    const dialled = spy.dialled.length;
    clock.advance(60_000);
    assert.equal(spy.dialled.length, dialled, 'it was dialled on after the end');
    assert.equal(clock.pendingTimers, 0, 'a timer was left behind');
  });
  return { spy, clock, resolver, dialer };
};

const listen = async (t: TestContext, host: string): Promise<number> => {
  const server: Server = createServer((socket) => socket.on('error', () => {}).resume());
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
};

/** A port on which nobody listens any more. */
const refusedPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

const ip = (host: string, port: number): Address => ({ kind: 'ip', host, port });
const named = (port: number): Address => ({ kind: 'name', host: 'reviews.test', port });

test('a socket is handed over connected, untouched and without our listeners', async (t) => {
  const { dialer, resolver } = setUp(t);
  const heard = new Heard();
  dialer.dial(ip('127.0.0.1', await listen(t, '127.0.0.1')), 1000, heard);
  assert.equal(heard.result, null, 'told before dial returned');
  const socket = await heard.socket();
  assert.equal(socket.readyState, 'open');
  assert.equal(socket.allowHalfOpen, true);
  assert.equal(socket.readableFlowing, null);
  assert.equal(socket.listenerCount('error'), 0);
  assert.equal(socket.listenerCount('connect'), 0);
  assert.equal(resolver.asked, 0);
});

test('IPv6 and unix sockets are dialled', async (t) => {
  const { dialer } = setUp(t);
  const over6 = new Heard();
  dialer.dial(ip('::1', await listen(t, '::1')), 1000, over6);
  assert.equal((await over6.socket()).remoteAddress, '::1');

  const folder = mkdtempSync(join(tmpdir(), 'outrigger-dial-'));
  const path = join(folder, 'upstream.sock');
  const server = createServer().listen(path);
  await once(server, 'listening');
  t.after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const overUnix = new Heard();
  dialer.dial({ kind: 'unix', path }, 1000, overUnix);
  assert.equal((await overUnix.socket()).readyState, 'open');
});

test('nobody listening is a refusal, on a port and on a path', async (t) => {
  const { dialer, spy } = setUp(t);
  const onPort = new Heard();
  dialer.dial(ip('127.0.0.1', await refusedPort()), 1000, onPort);
  assert.equal(await onPort.reason(), 'connect_refused ECONNREFUSED');
  const onPath = new Heard();
  dialer.dial({ kind: 'unix', path: join(tmpdir(), 'outrigger-no-such.sock') }, 1000, onPath);
  assert.equal(await onPath.reason(), 'connect_refused ENOENT');
  assert.ok(spy.sockets.every((socket) => socket.destroyed));
});

test('a peer that does not answer is given up when the time is over, and not before', (t) => {
  const { dialer, spy, clock } = setUp(t);
  const heard = new Heard();
  dialer.dial(ip('10.0.0.1', 80), 1000, heard);
  clock.advance(999);
  assert.equal(heard.result, null);
  clock.advance(1);
  assert.deepEqual(heard.result, failure('connect_timeout', true));
  assert.equal(spy.sockets[0]!.destroyed, true);
});

test('one time covers resolving and connecting', (t) => {
  const { dialer, clock, resolver, spy } = setUp(t);
  const resolving = new Heard();
  dialer.dial(named(80), 1000, resolving);
  clock.advance(1000);
  assert.deepEqual(resolving.result, failure('dns_timeout', true));
  assert.equal(resolver.cancelled, 1);

  const connecting = new Heard();
  dialer.dial(named(80), 1000, connecting);
  clock.advance(600);
  resolver.answer('10.0.0.1');
  clock.advance(399);
  assert.equal(connecting.result, null);
  clock.advance(1);
  assert.deepEqual(connecting.result, failure('connect_timeout', true));
  assert.deepEqual(spy.dialled, ['10.0.0.1']);
});

test('a connection that was made while the loop was blocked is no connect timeout', async (t) => {
  const { dialer, clock, spy, resolver } = setUp(t);
  const literal = new Heard();
  const port = await listen(t, '127.0.0.1');
  dialer.dial(ip('127.0.0.1', port), 1000, literal);
  const behindName = new Heard();
  dialer.dial(named(port), 1000, behindName);

  clock.block(2000);
  resolver.answer('127.0.0.1');

  await literal.socket();
  await behindName.socket();
  assert.deepEqual(spy.dialled, ['127.0.0.1', '127.0.0.1']);
});

test('without a limit only the answer ends it', async (t) => {
  const { dialer, clock } = setUp(t);
  const heard = new Heard();
  dialer.dial(ip('127.0.0.1', await listen(t, '127.0.0.1')), Number.POSITIVE_INFINITY, heard);
  assert.equal(clock.pendingTimers, 0);
  await heard.socket();
});

test('what the resolver says of a name is what the dial fails with', async (t) => {
  const { dialer, resolver, spy } = setUp(t);
  const heard = new Heard();
  dialer.dial(named(80), 1000, heard);
  resolver.observer!.failed(failure('dns_error', true, 'NXDOMAIN'));
  assert.equal(await heard.reason(), 'dns_error NXDOMAIN');
  assert.deepEqual(spy.dialled, []);
});

test('where the first address refuses the next one is tried at once', async (t) => {
  const { dialer, resolver, spy } = setUp(t);
  const heard = new Heard();
  dialer.dial(named(await listenOnIpv6Alone(t)), 1000, heard);
  resolver.answer('127.0.0.1', '::1');
  assert.equal((await heard.socket()).remoteAddress, '::1');
  assert.deepEqual(spy.dialled, ['127.0.0.1', '::1']);
});

test('where an address keeps us waiting the next one is tried beside it, families in turn', (t) => {
  const { dialer, resolver, spy, clock } = setUp(t);
  const heard = new Heard();
  const dial = dialer.dial(named(1), 10_000, heard);
  resolver.answer('10.0.0.1', '10.0.0.2', '10.0.0.3');
  clock.advance(249);
  assert.deepEqual(spy.dialled, ['10.0.0.1']);
  clock.advance(1);
  assert.deepEqual(spy.dialled, ['10.0.0.1', '10.0.0.2']);
  clock.advance(250);
  assert.deepEqual(spy.dialled, ['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  dial.cancel();
  assert.ok(spy.sockets.every((socket) => socket.destroyed));
});

test('families take turns, beginning with that of the first address', async (t) => {
  const { dialer, resolver, spy } = setUp(t);
  const heard = new Heard();
  dialer.dial(named(await refusedPort()), 10_000, heard);
  resolver.answer('127.0.0.1', '127.0.0.2', '127.0.0.3', '::1');
  assert.equal(await heard.reason(), 'connect_refused ECONNREFUSED');
  assert.deepEqual(spy.dialled, ['127.0.0.1', '::1', '127.0.0.2', '127.0.0.3']);
});

test('the first to answer wins, and the others are dropped', async (t) => {
  const { dialer, resolver, spy, clock } = setUp(t);
  const heard = new Heard();
  dialer.dial(named(await listen(t, '127.0.0.1')), 10_000, heard);
  resolver.answer('10.0.0.1', '127.0.0.1', '10.0.0.3');
  clock.advance(250);
  const socket = await heard.socket();
  assert.equal(socket.remoteAddress, '127.0.0.1');
  assert.deepEqual(spy.dialled, ['10.0.0.1', '127.0.0.1']);
  assert.equal(spy.sockets[0]!.destroyed, true);
  assert.equal(socket.destroyed, false);
});

test('a refusal while another address is still being waited for does not end the dial', async (t) => {
  const { dialer, resolver, clock } = setUp(t);
  const heard = new Heard();
  dialer.dial(named(await refusedPort()), 1000, heard);
  resolver.answer('127.0.0.1', '10.0.0.1');
  await new Promise(setImmediate);
  assert.equal(heard.result, null);
  clock.advance(1000);
  assert.equal(await heard.reason(), 'connect_timeout');
});

test('after cancel nobody hears anything and no socket is left', async (t) => {
  const { dialer, resolver, spy } = setUp(t);
  const port = await listen(t, '127.0.0.1');
  const connecting = new Heard();
  dialer.dial(ip('127.0.0.1', port), 1000, connecting).cancel();
  const refused = new Heard();
  dialer.dial(ip('127.0.0.1', await refusedPort()), 1000, refused).cancel();
  const resolving = new Heard();
  dialer.dial(named(port), 1000, resolving).cancel();
  await Promise.all(spy.sockets.map((socket) => socket.closed || once(socket, 'close')));
  assert.deepEqual([connecting.result, refused.result, resolving.result], [null, null, null]);
  assert.equal(resolver.cancelled, 1);
  assert.ok(spy.sockets.every((socket) => socket.destroyed));
});

test('a socket that fails in the very tick of the cancel harms nobody', async (t) => {
  const { dialer, spy } = setUp(t);
  const heard = new Heard();
  const dial = dialer.dial(ip('10.0.0.1', 80), 1000, heard);
  // The error event of a destroyed socket comes one tick later: by then nobody else listens.
  spy.sockets[0]!.destroy(new Error('lost'));
  dial.cancel();
  await new Promise<void>((resolve) => spy.sockets[0]!.on('close', () => resolve()));
  assert.equal(heard.result, null);
});

test('cancel after the end leaves the socket alone', async (t) => {
  const { dialer } = setUp(t);
  const heard = new Heard();
  const dial = dialer.dial(ip('127.0.0.1', await listen(t, '127.0.0.1')), 1000, heard);
  const socket = await heard.socket();
  dial.cancel();
  assert.equal(socket.destroyed, false);
});

const rules = new UnlistedRules(() => [{ host: '127.0.0.1', port: 7400 }]);

const prohibited: readonly (readonly [string, number, string])[] = [
  ['169.254.169.254', 80, 'cloud metadata address'],
  ['::ffff:169.254.169.254', 80, 'cloud metadata address'],
  ['::ffff:a9fe:a9fe', 80, 'cloud metadata address'],
  ['64:ff9b::a9fe:a9fe', 80, 'cloud metadata address'],
  ['fd00:ec2::254', 80, 'cloud metadata address'],
  ['169.254.7.7', 80, 'link-local address'],
  ['fe80::1', 80, 'link-local address'],
  ['224.0.0.1', 80, 'multicast address'],
  ['255.255.255.255', 80, 'broadcast address'],
  ['0.0.0.0', 7400, 'unspecified address'],
  ['::', 7400, 'unspecified address'],
  ['127.0.0.1', 7400, 'own listener'],
  ['::ffff:127.0.0.1', 7400, 'own listener'],
];

for (const [host, port, why] of prohibited) {
  test(`${host} port ${port} is not dialled, as a literal or behind a name`, (t) => {
    const { dialer, resolver, spy } = setUp(t, rules);
    const literal = new Heard();
    dialer.dial(ip(host, port), 1000, literal);
    assert.deepEqual(literal.result, failure('prohibited_address', true, why));
    const behindName = new Heard();
    dialer.dial(named(port), 1000, behindName);
    resolver.answer(host);
    assert.deepEqual(behindName.result, failure('prohibited_address', true, why));
    assert.deepEqual(spy.dialled, []);
  });
}

test('of the addresses of a name only those that may be dialled are dialled', async (t) => {
  const { dialer, resolver, spy } = setUp(t, rules);
  const heard = new Heard();
  dialer.dial(named(await listen(t, '127.0.0.1')), 1000, heard);
  resolver.answer('169.254.169.254', '::ffff:169.254.169.254', '127.0.0.1');
  await heard.socket();
  assert.deepEqual(spy.dialled, ['127.0.0.1']);
});

test('a real failure is reported before a prohibition', async (t) => {
  const { dialer, resolver } = setUp(t, rules);
  const heard = new Heard();
  dialer.dial(named(await refusedPort()), 1000, heard);
  resolver.answer('169.254.169.254', '127.0.0.1');
  assert.equal(await heard.reason(), 'connect_refused ECONNREFUSED');
});

test('the address that was judged is the one that is dialled: one lookup for one connection', async (t) => {
  const { dialer, resolver } = setUp(t, rules);
  const heard = new Heard();
  dialer.dial(named(await listen(t, '127.0.0.1')), 1000, heard);
  resolver.answer('127.0.0.1');
  assert.equal((await heard.socket()).remoteAddress, '127.0.0.1');
  assert.equal(resolver.asked, 1);
});

test('unix sockets are only for the configuration to name', (t) => {
  const { dialer, spy } = setUp(t, rules);
  const heard = new Heard();
  dialer.dial({ kind: 'unix', path: '/run/docker.sock' }, 1000, heard);
  assert.deepEqual(heard.result, failure('prohibited_address', true, 'unix socket'));
  assert.deepEqual(spy.dialled, []);
});
