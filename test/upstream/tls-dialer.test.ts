import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';
import { systemClock } from '../../src/lib/clock.ts';
import { TimeoutQueues } from '../../src/lib/timeout-queues.ts';
import type { Failure } from '../../src/policy/outcome.ts';
import { Dialer, type DialObserver } from '../../src/upstream/dialer.ts';
import type { SocketReads } from '../../src/upstream/socket-reads.ts';
import type { Address, AlpnProtocol, TlsSettings } from '../../src/upstream/sources.ts';
import { TlsContextSource } from '../../src/upstream/tls-context.ts';
import { TlsDialer } from '../../src/upstream/tls-dialer.ts';
import { makeAuthority, noCertificates } from '../rig/certificates.ts';
import { eventually } from '../rig/eventually.ts';
import { heldBytes } from '../rig/failing-handshakes.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const options = { skip: noCertificates };
const authority = noCertificates === false ? makeAuthority({ after }) : null!;
const server = authority?.issue({ names: ['DNS:u.test', 'IP:127.0.0.1'] });
const nameOnly = authority?.issue({ names: ['DNS:u.test'] });

/** Hears how a dial ends, and that it ends once. */
class Heard implements DialObserver {
  socket: TLSSocket | null = null;
  failure: Failure | null = null;
  reads: SocketReads | null = null;
  read = '';
  readonly ended = Promise.withResolvers<void>();

  dialled(socket: TLSSocket, reads: SocketReads): void {
    this.#end();
    this.socket = socket;
    this.reads = reads;
    reads.listener = (bytes, length) => {
      this.read += bytes.toString('latin1', 0, length);
      return true;
    };
  }

  dialFailed(failure: Failure): void {
    this.#end();
    this.failure = failure;
    assert.equal(failure.isUnsent, true);
  }

  /** `reason detail`, with what is said of a certificate left out; or `dialled`. */
  async outcome(): Promise<string> {
    await this.ended.promise;
    if (this.failure === null) return 'dialled';
    return `${this.failure.reason} ${this.failure.detail.split(':')[0]}`.trim();
  }

  #end(): void {
    assert.ok(this.socket === null && this.failure === null, 'heard twice');
    this.ended.resolve();
  }
}

interface Asked extends Partial<Omit<TlsSettings, 'files'>> {
  readonly ca?: string | null;
  readonly clock?: VirtualClock | typeof systemClock;
  /** What the name `u.test` resolves to. */
  readonly addresses?: readonly string[];
}

const setUp = (t: TestContext, asked: Asked = {}) => {
  const { ca = authority.own.certFile, clock = systemClock, addresses = ['127.0.0.1'] } = asked;
  const { serverName = 'u.test', minVersion = '1.2', alpn = ['http/1.1'] } = asked;
  const settings: TlsSettings = { files: { ca, cert: null, key: null }, serverName, minVersion, alpn };
  const timeouts = new TimeoutQueues(clock);
  const resolver = {
    resolve: (_name: string, _port: number, observer: Parameters<Dialer['resolver']['resolve']>[2]) => {
      observer.resolved(
        addresses.map((host) => ({ host, family: 4 })),
        1000,
      );
      return { cancel: () => {} };
    },
  };
  const dialer = new TlsDialer({
    dialer: new Dialer({ clock, timeouts, resolver, rules: null }),
    contexts: new TlsContextSource({ name: 'u', settings, clock, bus: { tlsFilesChanged: () => {} } }),
    settings,
  });
  const all: Heard[] = [];
  const dial = (address: Address, timeoutMs = 30_000) => {
    const heard = new Heard();
    all.push(heard);
    return { heard, dial: dialer.dial(address, timeoutMs, heard) };
  };
  /** Where it is dialled, the greeting is waited for as well: then the server knows of the handshake. */
  const outcome = async (address: Address): Promise<string> => {
    const { heard } = dial(address);
    const outcome = await heard.outcome();
    if (outcome === 'dialled') await eventually('the greeting is read', () => heard.read === 'hello');
    return outcome;
  };
  /** Nothing here remembers who heard. */
  const dialForgotten = async (address: Address) => {
    const heard = new Heard();
    dialer.dial(address, 30_000, heard);
    await heard.ended.promise;
    const socket = heard.socket!;
    heard.reads!.listener = null;
    t.after(() => socket.destroy());
    return { socket, observer: new WeakRef(heard) };
  };
  t.after(() => {
    for (const { socket } of all) socket?.destroy();
    timeouts.close();
  });
  return { dial, dialForgotten, outcome };
};

/** Listens on a free port of 127.0.0.1 or on a path. */
const listening = async <T extends Server>(t: TestContext, listener: T, path?: string) => {
  const open = new Set<import('node:net').Socket>();
  listener.on('connection', (socket) => {
    open.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => open.delete(socket));
  });
  listener.listen(path ?? { host: '127.0.0.1', port: 0 });
  t.after(() => {
    listener.close();
    for (const socket of open) socket.destroy();
  });
  await once(listener, 'listening');
  const port = path === undefined ? (listener.address() as AddressInfo).port : 0;
  const address: Address = { kind: 'ip', host: '127.0.0.1', port };
  return { listener, open, port, address };
};

/** A server that greets, and writes down what it was asked. */
const greeter = async (t: TestContext, own: TlsOptions = {}, path?: string) => {
  const seen: { serverName: string | false | null; isResumed: boolean; protocol: string | null }[] = [];
  const listener = createTlsServer({ ...server, ...own }, (socket) => {
    socket.on('error', () => {});
    seen.push({
      serverName: socket.servername,
      isResumed: socket.isSessionReused(),
      protocol: socket.getProtocol(),
    });
    socket.write('hello');
  });
  return { seen, ...(await listening(t, listener, path)) };
};

/** A server that takes connections and says nothing. */
const silent = (t: TestContext) => listening(t, createServer());

test(
  'the connection comes with what was agreed on, and nothing that the server says first is lost',
  options,
  async (t) => {
    const { address } = await greeter(t, { ALPNProtocols: ['h2', 'http/1.1'] });
    const { heard } = setUp(t).dial(address);

    assert.equal(await heard.outcome(), 'dialled');
    await eventually('the greeting is read', () => heard.read === 'hello');
    assert.ok(heard.socket instanceof TLSSocket);
    assert.equal(heard.socket.alpnProtocol, 'http/1.1');
    assert.equal(heard.socket.authorized, true);
    assert.equal(heard.socket.allowHalfOpen, true);
    assert.deepEqual(
      ['error', 'secureConnect', 'secure'].map((event) => heard.socket!.listenerCount(event)),
      [0, 0, new TLSSocket(null!).listenerCount('secure') + 1],
      'listeners of the handshake are left',
    );
  },
);

test('the end of the server is an end, and our side can still be written', options, async (t) => {
  const { address, listener } = await greeter(t);
  let received = '';
  listener.on('secureConnection', (socket: TLSSocket) => {
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text;
    });
    socket.allowHalfOpen = true;
    socket.end();
  });
  const { heard } = setUp(t).dial(address);
  await heard.outcome();

  heard.socket!.resume();
  await once(heard.socket!, 'end');
  heard.socket!.write('still here');

  await eventually('the server has read it', () => received === 'still here');
});

test('a name is asked for and verified; an address is verified, but never asked for', options, async (t) => {
  const both = await greeter(t);
  const named = await greeter(t, nameOnly);
  const refused = await greeter(t, nameOnly);

  assert.equal(await setUp(t).outcome(named.address), 'dialled');
  assert.equal(await setUp(t, { serverName: null }).outcome(both.address), 'dialled');
  assert.equal(
    await setUp(t, { serverName: null }).outcome(refused.address),
    'tls_certificate_error ERR_TLS_CERT_ALTNAME_INVALID',
  );
  assert.equal(
    await setUp(t, { serverName: '127.0.0.2' }).outcome(both.address),
    'tls_certificate_error ERR_TLS_CERT_ALTNAME_INVALID',
  );
  const name: Address = { kind: 'name', host: 'u.test', port: named.port };
  assert.equal(await setUp(t, { serverName: null }).outcome(name), 'dialled');

  assert.deepEqual(
    named.seen.map(({ serverName }) => serverName),
    ['u.test', 'u.test'],
  );
  assert.equal(both.seen[0]!.serverName, false);
});

test('TLS over a unix socket verifies the name that is configured', options, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-tls-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 's');
  await greeter(t, {}, path);

  assert.equal(await setUp(t).outcome({ kind: 'unix', path }), 'dialled');
  assert.equal(
    await setUp(t, { serverName: 'other.test' }).outcome({ kind: 'unix', path }),
    'tls_certificate_error ERR_TLS_CERT_ALTNAME_INVALID',
  );
});

test('a name with an address where nobody listens is reached at the next one', options, async (t) => {
  const { port } = await greeter(t);
  const { outcome } = setUp(t, { addresses: ['127.0.0.3', '127.0.0.1'] });

  assert.equal(await outcome({ kind: 'name', host: 'u.test', port }), 'dialled');
  assert.equal(
    await setUp(t, { addresses: ['127.0.0.3'] }).outcome({ kind: 'name', host: 'u.test', port }),
    'connect_refused ECONNREFUSED',
  );
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(
    `the session of the connection before is resumed with ${version}, for the same name alone`,
    options,
    async (t) => {
      const { address, seen } = await greeter(t, { maxVersion: version });
      const { outcome } = setUp(t, { serverName: null });

      assert.equal(await outcome(address), 'dialled');
      assert.equal(await outcome(address), 'dialled');
      assert.equal(await outcome({ ...address, kind: 'name', host: 'u.test' } as Address), 'dialled');

      assert.deepEqual(
        seen.map(({ isResumed, protocol }) => [isResumed, protocol]),
        [
          [false, version],
          [true, version],
          [false, version],
        ],
      );
    },
  );
}

test('a destination with which a handshake failed begins anew', options, async (t) => {
  const { address, seen, listener } = await greeter(t);
  const { outcome } = setUp(t);
  assert.equal(await outcome(address), 'dialled');
  listener.prependOnceListener('connection', (socket) => socket.destroy());

  assert.equal(await outcome(address), 'tls_protocol_error ECONNRESET in the handshake');
  assert.equal(await outcome(address), 'dialled');

  assert.deepEqual(
    seen.map(({ isResumed }) => isResumed),
    [false, false],
  );
});

test('where nothing is offered nothing is agreed on', options, async (t) => {
  const { address } = await greeter(t, { ALPNProtocols: ['http/1.1'] });
  const { heard } = setUp(t, { alpn: [] }).dial(address);

  assert.equal(await heard.outcome(), 'dialled');
  assert.equal(heard.socket!.alpnProtocol, false);
});

test('a server that agrees on what was not offered is refused', options, async (t) => {
  const { address, listener } = await greeter(t, { ALPNProtocols: ['http/1.1'] });
  const alpn: AlpnProtocol[] = ['http/1.1'];
  // What was offered is on its way already.
  listener.once('connection', () => alpn.pop());

  assert.equal(await setUp(t, { alpn }).outcome(address), 'tls_protocol_error ALPN');
});

test(
  'a CA that is put in place while the process runs is believed by the next connections',
  options,
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'outrigger-tls-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const ca = join(folder, 'ca.pem');
    copyFileSync(makeAuthority(t, 'Stranger CA').own.certFile, ca);
    const { address } = await greeter(t);
    const clock = new VirtualClock();
    const { outcome } = setUp(t, { ca, clock });
    const refused = 'tls_certificate_error UNABLE_TO_VERIFY_LEAF_SIGNATURE';
    assert.equal(await outcome(address), refused);

    copyFileSync(authority.own.certFile, ca);
    assert.equal(await outcome(address), refused, 'it is not looked at for each connection');
    clock.advance(5000);

    assert.equal(await outcome(address), 'dialled');
  },
);

test('files that were gone before the first connection are a failure, not a crash', options, async (t) => {
  const { address } = await silent(t);
  assert.equal(await setUp(t, { ca: '/nowhere/ca.pem' }).outcome(address), 'connect_failed tls');
});

test('the time to connect covers the handshake, and is given once for both', options, async (t) => {
  const { address, open, listener } = await silent(t);
  const clock = new VirtualClock();
  const { heard } = setUp(t, { clock }).dial(address, 1000);
  await once(listener, 'connection');
  // The dialer has heard too: the first bytes are here.
  await once([...open][0]!.resume(), 'data');

  clock.advance(999);
  assert.equal(heard.failure, null);
  clock.advance(1);

  assert.equal(await heard.outcome(), 'connect_timeout in the TLS handshake');
  await eventually('the connection is closed', () => open.size === 0);
  clock.advance(60_000);
  assert.equal(clock.pendingTimers, 0);
});

test('an open connection holds on to nothing of the dial that it came from', options, async (t) => {
  const { address } = await greeter(t);
  const { socket, observer } = await setUp(t).dialForgotten(address);

  await eventually('whoever heard of it is collected', async () => {
    await new Promise(setImmediate);
    heldBytes();
    return observer.deref() === undefined;
  });

  assert.equal(socket.destroyed, false);
});

test(
  'a dial that is cancelled in the handshake leaves no socket, and its observer hears nothing',
  options,
  async (t) => {
    const { address, open, listener } = await silent(t);
    const clock = new VirtualClock();
    const { heard, dial } = setUp(t, { clock }).dial(address, 1000);
    await once(listener, 'connection');
    await once([...open][0]!.resume(), 'data');

    dial.cancel();
    dial.cancel();

    await eventually('the connection is closed', () => open.size === 0);
    clock.advance(60_000);
    assert.equal(clock.pendingTimers, 0);
    assert.ok(heard.socket === null && heard.failure === null);
  },
);

test('a dial that is cancelled while it connects leaves none either', options, async (t) => {
  const { address, open, listener } = await silent(t);
  const clock = new VirtualClock();
  const { heard, dial } = setUp(t, { clock }).dial(address, 1000);

  dial.cancel();

  // One more, to see that the first has come and gone.
  const other = setUp(t, { clock }).dial(address, 1000);
  await once(listener, 'connection');
  other.dial.cancel();
  await eventually('no connection is open', () => open.size === 0);
  assert.ok(heard.socket === null && heard.failure === null);
});
