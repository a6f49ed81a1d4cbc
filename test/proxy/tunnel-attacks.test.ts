import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type BytePeer, connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { eventually } from '../rig/eventually.ts';
import { type ConfigText, type Sidecar, startSidecar, upstreamU } from '../rig/sidecar.ts';

const connectTo = (authority: string, version = '1.1'): string =>
  `CONNECT ${authority} HTTP/${version}\r\nHost: ${authority}\r\n\r\n`;
const offer = (connection = 'Upgrade'): string =>
  `GET /chat HTTP/1.1\r\nHost: u.test\r\nConnection: ${connection}\r\nUpgrade: websocket\r\n\r\n`;
const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

/** A TCP upstream that says hello, and a way to its port. */
const startTcp = async (t: TestContext, more: ConfigText = {}, global: ConfigText = {}) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const sidecar = await startSidecar(t, {
    ...global,
    upstreams: { db: { protocol: 'tcp', listen: '127.0.0.1:0', endpoints: [server.address], ...more } },
  });
  return { server, sidecar, connect: () => connectBytes(t, sidecar.listener('db')) };
};

/** A server that leaves it to the test what it answers, and the client of a sidecar before it. */
const startHttp = async (t: TestContext, more: ConfigText = {}) => {
  const server = await startByteServer(t);
  const sidecar = await startSidecar(t, upstreamU([server.address], more));
  const client = await connectBytes(t, sidecar.egress);
  return { server, sidecar, client };
};

const forceOpen = async ({ admin }: Sidecar, name: string): Promise<void> => {
  const answer = await fetch(`http://${admin.host}:${admin.port}/breakers/${name}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Outrigger-Admin': '1' },
    body: JSON.stringify({ force: 'open' }),
  });
  assert.equal(answer.status, 200, await answer.text());
};

test('clients that leave in whatever tick of their connecting take everything with them', async (t) => {
  const { server, sidecar, connect } = await startTcp(t);
  server.onPeer = (peer) => {
    peer.socket.on('end', () => peer.end());
    peer.say('hello');
  };

  for (let i = 0; i < 200; i += 1) {
    const client = await connect();
    for (let turn = i % 7; turn > 0; turn -= 1) await new Promise(setImmediate);
    if (i % 2 === 0) client.reset();
    else client.socket.destroy();
  }
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'db' }, 0);

  await eventually('the upstream holds no connection either', () =>
    server.peers.every((peer) => peer.closed !== null),
  );
  assert.equal((await sidecar.breaker('db'))['state'], 'closed');
  assert.equal(await sidecar.metric('attempts_total', { outcome: 'failure' }), 0);
});

test('a 101 that comes byte by byte is one, and what follows at once is the first of the tunnel', async (t) => {
  const { server, client } = await startHttp(t);
  client.say(offer());
  const peer = await server.peer();
  await peer.hears('\r\n\r\n');

  for (const byte of `${switching}first words`) {
    await new Promise((resolve) => peer.socket.write(byte, resolve));
    await new Promise(setImmediate);
  }
  await client.hears('first words');

  assert.match(client.text, /^HTTP\/1\.1 101 [\s\S]*\r\n\r\nfirst words$/);
});

test('more than is kept for a client that does not wait for the 101 is left with it until then', async (t) => {
  const { server, client } = await startHttp(t);
  const early = randomBytes(1024 * 1024);
  client.say(offer()).say(early);
  const peer = await server.peer();
  await peer.hears('\r\n\r\n');
  const headBytes = peer.receivedBytes;

  peer.say(switching);
  await peer.hears(headBytes + early.length);

  assert.ok(peer.received.subarray(headBytes).equals(early));
});

test('a client that ends its half right behind its offer is heard to the end', async (t) => {
  const { server, client } = await startHttp(t);
  client.end(`${offer()}that is all`);
  const peer = await server.peer();
  await peer.hears('\r\n\r\n');

  peer.say(switching);
  await peer.ended();
  peer.end('so be it');
  await client.ended();

  assert.match(peer.text, /\r\n\r\nthat is all$/);
  assert.match(client.text, /\r\n\r\nso be it$/);
});

test('an offer with Connection: close is an offer', async (t) => {
  const { server, client } = await startHttp(t);
  client.say(offer('close, Upgrade'));
  const peer = await server.peer();
  await peer.hears('\r\n\r\n');

  peer.say(`${switching}hello`);
  await client.hears('hello');

  assert.match(peer.text, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
});

test('CONNECT in HTTP/1.0 is a tunnel like any other', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const sidecar = await startSidecar(t, { egress: { unlisted: 'allow' } });
  const client = await connectBytes(t, sidecar.egress);

  client.say(connectTo(server.address, '1.0'));
  await client.hears('hello');
  client.end('bye');
  const peer = await server.peer();
  await peer.ended();
  peer.end();

  assert.equal(await client.over(), 'in order');
  assert.match(client.text, /^HTTP\/1\.1 200 /);
  assert.equal(peer.text, 'bye');
  assert.equal((await sidecar.accessLineAt(0))['closeReason'], 'client_closed');
});

test('an end of the upstream and a reset of the client at the same time are one end', async (t) => {
  const { server, sidecar, connect } = await startTcp(t);

  for (let i = 0; i < 50; i += 1) {
    const client = await connect();
    await client.hears('hello');
    const peer = await server.peer(i);
    if (i % 2 === 0) peer.end();
    client.reset();
    if (i % 2 === 1) peer.end();
    await peer.over();
  }

  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'db' }, 0);
  await sidecar.accessLineAt(49);
  assert.equal(sidecar.accessLog.length, 50);
});

test('connections beyond egress.maxConnections are reset and counted, and there is room again when one has ended', async (t) => {
  const { sidecar, connect } = await startTcp(t, {}, { egress: { maxConnections: 3 } });
  const open: BytePeer[] = [];
  for (let i = 0; i < 3; i += 1) open.push(await connect());
  await Promise.all(open.map((client) => client.hears('hello')));

  const one = await connect();
  const ofOne = await one.over();
  open[0]!.reset();
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'db' }, 2);
  await (await connect()).hears('hello');

  assert.equal(ofOne, 'by a reset');
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual(
    [line['outcome'], line['reason'], line['upstream']],
    ['rejected', 'too_many_connections', 'db'],
  );
});

test('a thousand connections that fall silent together are all ended, each with its line', async (t) => {
  const count = 1000;
  const { server, sidecar, connect } = await startTcp(t, {
    timeout: { idle: '1s' },
    bulkhead: { concurrency: count },
  });
  const clients: BytePeer[] = [];
  for (let i = 0; i < count; i += 100) {
    clients.push(...(await Promise.all(Array.from({ length: 100 }, connect))));
  }

  const ways = await Promise.all([...clients, ...server.peers].map((peer) => peer.over()));

  assert.ok(ways.every((way) => way === 'by a reset'));
  await sidecar.accessLineAt(count - 1);
  assert.ok(sidecar.accessLog.every(({ reason }) => reason === 'idle_timeout'));
  assert.equal(await sidecar.metric('bulkhead_in_flight', { upstream: 'db' }), 0);
});

test('timeout.body bounds a tunnel that never falls silent', async (t) => {
  const server = await startByteServer(t, ({ socket }) => {
    const push = (): void => {
      if (!socket.destroyed) socket.write('tick', () => setImmediate(push));
    };
    push();
  });
  const sidecar = await startSidecar(t, {
    upstreams: {
      db: { protocol: 'tcp', listen: '127.0.0.1:0', endpoints: [server.address], timeout: { body: '200ms' } },
    },
  });

  const client = await connectBytes(t, sidecar.listener('db'));

  assert.equal(await client.over(), 'by a reset');
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual([line['reason'], line['closeReason']], ['body_timeout', 'timeout']);
});

test('a breaker that is forced open refuses new connections and leaves open ones alone', async (t) => {
  const { server, sidecar, connect } = await startTcp(t);
  const open = await connect();
  await open.hears('hello');

  await forceOpen(sidecar, 'db');
  const ofNew = await (await connect()).over();
  open.say('still there?');
  await (await server.peer(0)).hears('still there?');

  assert.equal(ofNew, 'by a reset');
  assert.equal(server.peers.length, 1);
  assert.equal((await sidecar.accessLineAt(0))['reason'], 'circuit_open');
});
