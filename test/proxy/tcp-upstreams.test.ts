import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type BytePeer, connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { eventually, standsStill } from '../rig/eventually.ts';
import { type ConfigText, type Sidecar, startSidecar } from '../rig/sidecar.ts';

/** A TCP upstream at these endpoints, and a way to its port. */
const startTcp = async (t: TestContext, endpoints: readonly string[], more: ConfigText = {}) => {
  const sidecar = await startSidecar(t, {
    upstreams: { db: { protocol: 'tcp', listen: '127.0.0.1:0', endpoints, ...more } },
  });
  return { sidecar, connect: () => connectBytes(t, sidecar.listener('db')) };
};

test('what one side says the other hears, whoever speaks first', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('who is there?'));
  const { connect } = await startTcp(t, [server.address]);

  const client = await connect();
  await client.hears('who is there?');
  client.say('it is I');
  await (await server.peer()).hears('it is I');
});

test('what the client said before there was an upstream comes first and whole', async (t) => {
  const server = await startByteServer(t);
  const { connect } = await startTcp(t, [server.address]);
  const first = randomBytes(200_000);

  const client = await connect();
  client.say(first);
  const peer = await server.peer();
  await peer.hears(first.length);

  assert.ok(peer.received.equals(first));
});

test('the end of a half is carried to the other side, and the other half goes on', async (t) => {
  const server = await startByteServer(t);
  const { sidecar, connect } = await startTcp(t, [server.address]);

  const client = await connect();
  client.end('the question');
  const peer = await server.peer();
  await peer.ended();
  peer.say('a long ').end('answer');
  await client.ended();

  assert.equal(peer.text, 'the question');
  assert.equal(client.text, 'a long answer');
  assert.equal(await client.over(), 'in order');
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual(
    [line['outcome'], line['closeReason'], line['requestBytes'], line['responseBytes'], line['protocol']],
    ['success', 'client_closed', 12, 13, 'tcp'],
  );
});

test('an upstream that ends first is told as such, and the client may still speak', async (t) => {
  const server = await startByteServer(t, (peer) => peer.end('bye'));
  const { sidecar, connect } = await startTcp(t, [server.address]);

  const client = await connect();
  await client.ended();
  client.say('wait').end();
  const peer = await server.peer();
  await peer.ended();

  assert.equal(peer.text, 'wait');
  assert.equal((await sidecar.accessLineAt(0))['closeReason'], 'upstream_closed');
});

test('a reset of the upstream is a reset for the client', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const { sidecar, connect } = await startTcp(t, [server.address]);

  const client = await connect();
  await client.hears('hello');
  (await server.peer()).reset();

  assert.equal(await client.over(), 'by a reset');
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual(
    [line['outcome'], line['reason'], line['closeReason'], line['detail']],
    ['failure', 'response_incomplete', 'upstream_reset', 'ECONNRESET'],
  );
});

test('a reset of the client is a reset for the upstream, and nobody’s failure', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const { sidecar, connect } = await startTcp(t, [server.address]);

  const client = await connect();
  await client.hears('hello');
  client.reset();

  assert.equal(await (await server.peer()).over(), 'by a reset');
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual([line['outcome'], line['closeReason']], ['cancelled', 'client_reset']);
  assert.equal(((await sidecar.breaker('db'))['health'] as { errors: number } | undefined)?.errors ?? 0, 0);
});

/** Speaks to somebody who is gone, until that is noticed: it takes a reset, and then one more word. */
const goesOnTo = (sidecar: Sidecar, speaker: BytePeer): Promise<void> =>
  eventually('the connection is over', () => {
    speaker.say('one thing more');
    return sidecar.accessLog.length > 0;
  });

test('a client that has said its last word and hears no more has closed it in order', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const { sidecar, connect } = await startTcp(t, [server.address]);

  const client = await connect();
  await client.hears('hello');
  client.end('bye');
  const peer = await server.peer();
  await peer.ended();
  // The socket is gone, and whatever still comes for it is answered by a reset.
  client.socket.destroy();
  await goesOnTo(sidecar, peer);

  const line = await sidecar.accessLineAt(0);
  assert.deepEqual([line['outcome'], line['closeReason']], ['success', 'client_closed']);
});

test('an upstream that has answered, ended and hears no more has closed it in order', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const { sidecar, connect } = await startTcp(t, [server.address]);

  const client = await connect();
  await client.hears('hello');
  const peer = await server.peer();
  peer.end('bye');
  await client.ended();
  peer.socket.destroy();
  await goesOnTo(sidecar, client);

  const line = await sidecar.accessLineAt(0);
  assert.deepEqual([line['outcome'], line['closeReason']], ['success', 'upstream_closed']);
});

test('an upstream that ends without a word and does not hear what is said has failed', async (t) => {
  const server = await startByteServer(t);
  const { sidecar, connect } = await startTcp(t, [server.address]);

  const client = await connect();
  const peer = await server.peer();
  peer.end();
  await client.ended();
  peer.socket.destroy();
  await goesOnTo(sidecar, client);

  const line = await sidecar.accessLineAt(0);
  assert.deepEqual([line['outcome'], line['reason']], ['failure', 'reset']);
});

test('megabytes go through both ways at the same time, byte for byte', async (t) => {
  const there = randomBytes(6 * 1024 * 1024);
  const back = randomBytes(7 * 1024 * 1024);
  const server = await startByteServer(t, (peer) => peer.end(back));
  const { sidecar, connect } = await startTcp(t, [server.address]);

  const client = await connect();
  client.end(there);
  const peer = await server.peer();
  await Promise.all([client.over(), peer.over()]);

  const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
  assert.equal(hash(peer.received), hash(there));
  assert.equal(hash(client.received), hash(back));
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual([line['requestBytes'], line['responseBytes']], [there.length, back.length]);
  assert.equal(await sidecar.metric('tunnel_bytes_total', { direction: 'received' }), back.length);
});

test('who does not read stops who writes, and memory holds no more than the sockets do', async (t) => {
  const total = 64 * 1024 * 1024;
  let sent = 0;
  const piece = Buffer.alloc(256 * 1024, 'x');
  const server = await startByteServer(t, ({ socket }) => {
    const push = (): void => {
      while (sent < total) {
        sent += piece.length;
        if (!socket.write(piece)) {
          socket.once('drain', push);
          return;
        }
      }
      socket.end();
    };
    push();
  });
  const { connect } = await startTcp(t, [server.address]);

  const client = await connect();
  client.socket.pause();
  const { socket } = await server.peer();
  await standsStill(() => (socket.writableNeedDrain ? socket.bytesWritten : 0));
  const inBetween = socket.bytesWritten - socket.writableLength - client.socket.bytesRead;
  client.socket.resume();
  await client.ended();

  assert.ok(inBetween < total / 2, `${inBetween} bytes were taken from a client that does not read`);
  assert.equal(client.receivedBytes, total);
});

test('where nobody listens the connection is tried elsewhere, and the client notices nothing', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('here'));
  const { sidecar, connect } = await startTcp(t, ['127.0.0.1:9', server.address]);

  for (let i = 0; i < 4; i += 1) await (await connect()).hears('here');

  assert.ok((await sidecar.metric('retries_total', { reason: 'connect_refused' })) >= 1);
});

test('where no endpoint takes it the client is reset, and the breaker opens', async (t) => {
  const { sidecar, connect } = await startTcp(t, ['127.0.0.1:9'], {
    breaker: { volume: 4 },
    retry: { attempts: 2 },
  });

  for (let i = 0; i < 3; i += 1) assert.equal(await (await connect()).over(), 'by a reset');

  assert.equal((await sidecar.breaker('db'))['state'], 'open');
  const lines = [await sidecar.accessLineAt(0), await sidecar.accessLineAt(2)];
  assert.deepEqual(
    lines.map(({ reason, status, attempts }) => [reason, status, attempts]),
    [
      ['connect_refused', 0, 2],
      ['circuit_open', 0, 0],
    ],
  );
});

test('a connection that is reset before the first byte is a failure, and one that has answered is none', async (t) => {
  let turnAway = true;
  const server = await startByteServer(t, (peer) => {
    if (turnAway) peer.reset();
    else peer.say('hello');
  });
  const { sidecar, connect } = await startTcp(t, [server.address], {
    breaker: { volume: 3, sleep: '100ms' },
  });

  for (let i = 0; i < 3; i += 1) await (await connect()).over();
  const whileTurnedAway = await sidecar.breaker('db');
  turnAway = false;
  const probed = async (): Promise<boolean> => {
    const client = await connect();
    return client.hears('hello').then(
      () => true,
      () => false,
    );
  };
  while (!(await probed()));

  assert.equal(whileTurnedAway['state'], 'open');
  assert.equal((await sidecar.breaker('db'))['state'], 'closed');
});

test('a connection that is accepted and closed before either side spoke is a failure, too', async (t) => {
  const server = await startByteServer(t, (peer) => peer.end());
  const { sidecar, connect } = await startTcp(t, [server.address], { breaker: { volume: 2 } });

  for (let i = 0; i < 2; i += 1) {
    const client = await connect();
    await client.ended();
    client.end();
    await client.over();
  }

  const line = await sidecar.accessLineAt(0);
  assert.deepEqual([line['outcome'], line['reason'], line['detail']], ['failure', 'reset', 'EOF']);
  assert.equal((await sidecar.breaker('db'))['state'], 'open');
});

test('open connections hold places of the bulkhead; one more waits, and two more are reset', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const { sidecar, connect } = await startTcp(t, [server.address], {
    bulkhead: { concurrency: 2, queue: 1, queueTimeout: '1h' },
    timeout: { total: '1h' },
  });
  const [first, second] = [await connect(), await connect()];
  await Promise.all([first.hears('hello'), second.hears('hello')]);

  const third = await connect();
  await sidecar.metricIs('bulkhead_queued', { upstream: 'db' }, 1);
  const fourth = await connect();
  const ofFourth = await fourth.over();
  const before = third.receivedBytes;
  first.end();
  (await server.peer(0)).end();
  await third.hears('hello');

  assert.equal(ofFourth, 'by a reset');
  assert.equal(before, 0);
  assert.equal(await sidecar.metric('bulkhead_in_flight', { upstream: 'db' }), 2);
});

test('new connections go where the fewest are open', async (t) => {
  const servers = [await startByteServer(t, (p) => p.say('a')), await startByteServer(t, (p) => p.say('b'))];
  const { connect } = await startTcp(
    t,
    servers.map(({ address }) => address),
  );

  for (let i = 0; i < 20; i += 1) await (await connect()).hears(1);

  assert.deepEqual(
    servers.map(({ peers }) => peers.length),
    [10, 10],
  );
});

test('a connection on which nothing moves is ended after the idle time, with its cause in the log', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const { sidecar, connect } = await startTcp(t, [server.address], { timeout: { idle: '60ms' } });

  const client = await connect();
  const howForClient = await client.over();
  const howForServer = await (await server.peer()).over();

  // Not in order: neither side had said that this was all.
  assert.deepEqual([howForClient, howForServer], ['by a reset', 'by a reset']);
  assert.equal(client.text, 'hello');
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual(
    [line['outcome'], line['reason'], line['closeReason']],
    ['failure', 'idle_timeout', 'timeout'],
  );
});

test('a client that leaves while it waits takes nothing with it', async (t) => {
  const server = await startByteServer(t);
  const { sidecar, connect } = await startTcp(t, [server.address], {
    bulkhead: { concurrency: 1, queue: 5, queueTimeout: '1h' },
    timeout: { total: '1h' },
  });
  const first = await connect();
  await server.peer();
  const waiting = await connect();
  await sidecar.metricIs('bulkhead_queued', { upstream: 'db' }, 1);

  waiting.reset();
  await sidecar.metricIs('bulkhead_queued', { upstream: 'db' }, 0);
  first.reset();
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'db' }, 0);

  assert.equal(server.peers.length, 1);
});

test('a plain request for a TCP upstream is told where to go, and CONNECT leads to it', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const sidecar = await startSidecar(t, {
    upstreams: {
      db: { protocol: 'tcp', listen: '127.0.0.1:0', hosts: ['db.test'], endpoints: [server.address] },
    },
  });

  const plain = await connectBytes(t, sidecar.egress);
  plain.say('GET / HTTP/1.1\r\nHost: db.test\r\nConnection: close\r\n\r\n');
  await plain.ended();
  const tunnel = await connectBytes(t, sidecar.egress);
  tunnel.say('CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test:5432\r\n\r\n');
  await tunnel.hears('hello');

  assert.match(plain.text, /^HTTP\/1\.1 400 [\s\S]*reason=not_http/);
  assert.match(tunnel.text, /^HTTP\/1\.1 200 /);
});

test('when the process ends its connections are broken off, half-closed ones too, and are in the log by then', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const { sidecar, connect } = await startTcp(t, [server.address]);
  const [client, halfClosed] = [await connect(), await connect()];
  await Promise.all([client.hears('hello'), halfClosed.hears('hello')]);
  halfClosed.end('last words');
  await eventually('the end of a half has arrived', () => server.peers.some(({ hasEnded }) => hasEnded));

  await sidecar.app.close();

  assert.deepEqual(
    sidecar.accessLog.map(({ outcome, closeReason }) => [outcome, closeReason]),
    [
      ['cancelled', 'shutdown'],
      ['cancelled', 'shutdown'],
    ],
  );
  // Who has heard the end of a half does not listen any more: it notices when it speaks.
  for (const peer of server.peers) peer.say('anybody there?');
  for (const peer of [client, halfClosed, ...server.peers]) assert.equal(await peer.over(), 'by a reset');
});
