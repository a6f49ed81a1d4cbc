import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type BytePeer, connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { type ConfigText, startSidecar, upstreamU } from '../rig/sidecar.ts';

/** A request that offers to switch to these protocols. */
const offer = (protocols: string, more = ''): string =>
  `GET /chat HTTP/1.1\r\nHost: u.test\r\nConnection: Upgrade\r\nUpgrade: ${protocols}\r\n${more}\r\n`;

const switching = (protocol: string, connection = 'Upgrade'): string =>
  `HTTP/1.1 101 Switching Protocols\r\nConnection: ${connection}\r\nUpgrade: ${protocol}\r\nX-Key: v\r\n\r\n`;

/** An upstream that answers each request with this text, and the client of a sidecar before it. */
const start = async (t: TestContext, answer: string, more: ConfigText = {}) => {
  const server = await startByteServer(t, (peer: BytePeer) => {
    void peer.hears('\r\n\r\n').then(() => peer.say(answer));
  });
  const sidecar = await startSidecar(t, upstreamU([server.address], more));
  return { server, sidecar, client: await connectBytes(t, sidecar.egress) };
};

test('a proper upgrade is passed on, and from the 101 on the bytes of both sides', async (t) => {
  const { server, sidecar, client } = await start(t, `${switching('websocket')}from the upstream`);

  client.say(offer('websocket', 'Sec-WebSocket-Key: k\r\nX-End: to end\r\n'));
  await client.hears('from the upstream');
  client.end('from the client');
  const peer = await server.peer();
  await peer.ended();
  peer.end(', goodbye');
  await client.ended();

  assert.match(peer.text, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
  assert.match(peer.text, /\r\nX-End: to end\r\n[\s\S]*\r\n\r\nfrom the client$/);
  assert.match(client.text, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(client.text, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
  assert.match(client.text, /\r\nX-Key: v\r\n[\s\S]*\r\n\r\nfrom the upstream, goodbye$/);
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual(
    [line['protocol'], line['status'], line['outcome'], line['closeReason'], line['path']],
    ['upgrade', 101, 'success', 'client_closed', '/chat'],
  );
  assert.deepEqual([line['requestBytes'], line['responseBytes']], [15, 26]);
});

test('what the client sends behind its request in the same packet reaches the upstream after the 101', async (t) => {
  const { server, client } = await start(t, switching('websocket'));

  client.say(`${offer('websocket')}early`);
  await client.hears('101');
  const peer = await server.peer();
  await peer.hears('early');

  assert.match(peer.text, /\r\n\r\nearly$/);
});

test('an upstream that does not want to switch answers as HTTP does, and the connection goes on', async (t) => {
  const { client, sidecar } = await start(t, 'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno');

  client.say(offer('websocket'));
  await client.hears('no');
  client.say('OPTIONS * HTTP/1.1\r\nHost: u.test\r\nMax-Forwards: 0\r\n\r\n');
  await client.hears('200 OK');

  assert.match(client.text, /^HTTP\/1\.1 426 /);
  assert.equal((await sidecar.accessLineAt(0))['protocol'], 'http');
});

for (const [what, answer] of [
  ['to another protocol', switching('other')],
  ['without naming one', 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n'],
  ['without Connection', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n'],
  ['in HTTP/1.0', switching('websocket').replace('HTTP/1.1', 'HTTP/1.0')],
] as const) {
  test(`a switch ${what} is a bad answer, and the client gets a good one`, async (t) => {
    const { client } = await start(t, `${answer}and more`);

    client.say(offer('websocket'));
    await client.hears('upgrade_failed');

    assert.match(client.text, /^HTTP\/1\.1 502 /);
    assert.doesNotMatch(client.text, /and more/);
  });
}

test('a switch that nobody asked for is a bad answer', async (t) => {
  const { client } = await start(t, switching('websocket'));

  client.say('GET / HTTP/1.1\r\nHost: u.test\r\n\r\n');
  await client.hears('upgrade_failed');
});

test('an offer of HTTP/2 goes no further, and the request is an ordinary one', async (t) => {
  const { server, client } = await start(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');

  client.say(
    'GET / HTTP/1.1\r\nHost: u.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n',
  );
  await client.hears('ok');

  assert.doesNotMatch((await server.peer()).text, /upgrade|h2c|http2-settings/i);
});

test('of several offers only those go on that the configuration names', async (t) => {
  const { server, client } = await start(t, switching('kafka'), { upgrade: ['kafka', 'websocket'] });

  client.say(offer('h2c, Kafka, spdy/3'));
  await client.hears('101');

  assert.match((await server.peer()).text, /\r\nUpgrade: kafka\r\n/);
});

test('a protocol that the configuration does not name is refused, with the key that would allow it', async (t) => {
  const { server, client } = await start(t, switching('kafka'));

  client.say(offer('kafka'));
  await client.hears('upgrade_unsupported');

  assert.match(client.text, /^HTTP\/1\.1 501 /);
  assert.match(client.text, /Add the protocol to upgrade/);
  assert.equal(server.peers.length, 0);
});

test('an upgrade with content is refused', async (t) => {
  const { server, client } = await start(t, switching('websocket'));

  client.say(`${offer('websocket', 'Content-Length: 3\r\n')}abc`);
  await client.hears('upgrade_unsupported');

  assert.equal(server.peers.length, 0);
});

test('Upgrade without Connection is no offer', async (t) => {
  const { server, client } = await start(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');

  client.say('GET / HTTP/1.1\r\nHost: u.test\r\nUpgrade: websocket\r\n\r\n');
  await client.hears('ok');

  assert.doesNotMatch((await server.peer()).text, /upgrade/i);
});

test('an upgrade goes on a kept connection as on a new one, and that is kept no more', async (t) => {
  const server = await startByteServer(t, (peer) => {
    let told = 0;
    peer.socket.on('data', () => {
      const heads = peer.text.match(/\r\n\r\n/g)?.length ?? 0;
      for (; told < heads; told += 1) {
        if (peer.text.includes('/chat')) peer.say(`${switching('websocket')}hello`);
        else peer.say('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      }
    });
  });
  const sidecar = await startSidecar(t, upstreamU([server.address]));
  const client = await connectBytes(t, sidecar.egress);

  client.say('GET / HTTP/1.1\r\nHost: u.test\r\n\r\n');
  await client.hears('ok');
  client.say(offer('websocket'));
  await client.hears('hello');
  const other = await connectBytes(t, sidecar.egress);
  other.say('GET / HTTP/1.1\r\nHost: u.test\r\n\r\n');
  await other.hears('ok');
  client.say('still there');
  await (await server.peer(0)).hears('still there');

  assert.equal(server.peers.length, 2);
});

test('an upgrade that fails before the 101 is tried again elsewhere', async (t) => {
  const dead = await startByteServer(t, (peer) => {
    void peer.hears('\r\n\r\n').then(() => peer.reset());
  });
  const alive = await startByteServer(t, (peer) => {
    void peer.hears('\r\n\r\n').then(() => peer.say(`${switching('websocket')}hello`));
  });
  const sidecar = await startSidecar(t, upstreamU([dead.address, alive.address]));

  for (let i = 0; i < 4; i += 1) {
    const client = await connectBytes(t, sidecar.egress);
    client.say(offer('websocket'));
    await client.hears('hello');
  }
  assert.equal(await sidecar.metric('tunnels_open'), 4);
});

test('tunnels that are open hold no place of the pool', async (t) => {
  const { sidecar } = await start(t, `${switching('websocket')}hello`, {
    pool: { connectionsPerEndpoint: 1, maxIdle: 1 },
  });

  for (let i = 0; i < 3; i += 1) {
    const client = await connectBytes(t, sidecar.egress);
    client.say(offer('websocket'));
    await client.hears('hello');
  }
});
