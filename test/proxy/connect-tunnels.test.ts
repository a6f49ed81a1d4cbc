import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ByteServer, connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { startFullBacklog } from '../rig/full-backlog.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { type ConfigText, type Sidecar, startSidecar } from '../rig/sidecar.ts';

const connectTo = (authority: string): string =>
  `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`;

/** A client that has sent CONNECT, and whatever follows it in the same packet. */
const ask = async (t: TestContext, sidecar: Sidecar, authority: string, follows = '') =>
  (await connectBytes(t, sidecar.egress)).say(connectTo(authority) + follows);

/** A sidecar that lets anybody through, and a server on loopback that says hello. */
const startOpen = async (t: TestContext, more: ConfigText = {}): Promise<[Sidecar, ByteServer]> => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  return [await startSidecar(t, { egress: { unlisted: 'allow' }, ...more }), server];
};

test('the answer to CONNECT is 200 without a word about content, and then the bytes of both sides', async (t) => {
  const [sidecar, server] = await startOpen(t);

  const client = await ask(t, sidecar, server.address);
  await client.hears('hello');
  client.say('to the end');
  await (await server.peer()).hears('to the end');

  const [head = '', rest] = client.text.split('\r\n\r\n');
  assert.match(head, /^HTTP\/1\.1 200 Connection established\r\n/);
  assert.doesNotMatch(head, /content-length|transfer-encoding/i);
  assert.equal(rest, 'hello');
});

test('what follows CONNECT in the same packet is the first that the upstream hears', async (t) => {
  const [sidecar, server] = await startOpen(t);

  await ask(t, sidecar, server.address, 'GET / HTTP/1.1\r\n');
  const peer = await server.peer();
  await peer.hears('\r\n');

  assert.equal(peer.text, 'GET / HTTP/1.1\r\n');
});

test('a tunnel carries the end of each half, and is in the log with its bytes and who closed it', async (t) => {
  const [sidecar, server] = await startOpen(t);

  const client = await ask(t, sidecar, server.address);
  await client.hears('hello');
  client.end('last words');
  const peer = await server.peer();
  await peer.ended();
  peer.say(', indeed').end();
  await client.ended();

  assert.match(client.text, /hello, indeed$/);
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual(
    [line['protocol'], line['method'], line['status'], line['outcome'], line['closeReason']],
    ['connect', 'CONNECT', 200, 'success', 'client_closed'],
  );
  assert.deepEqual([line['requestBytes'], line['responseBytes']], [10, 13]);
});

test('CONNECT to an upstream goes where its configuration says, and counts in its command', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const sidecar = await startSidecar(t, {
    upstreams: { api: { hosts: ['api.test'], endpoints: [server.address] } },
  });

  await (await ask(t, sidecar, 'api.test:443')).hears('hello');

  await sidecar.metricIs('attempts_total', { upstream: 'api', outcome: 'success' }, 1);
});

test('an endpoint that refuses is passed by on the way to one that takes the connection', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const sidecar = await startSidecar(t, {
    upstreams: { api: { hosts: ['api.test'], endpoints: ['127.0.0.1:9', server.address] } },
  });

  for (let i = 0; i < 4; i += 1) await (await ask(t, sidecar, 'api.test:443')).hears('hello');

  assert.ok((await sidecar.metric('retries_total', { reason: 'connect_refused' })) >= 1);
});

for (const { name, config, authority, status, reason } of [
  {
    name: 'an unlisted destination',
    config: {},
    authority: 'nowhere.test:443',
    status: 403,
    reason: 'unlisted_destination',
  },
  {
    name: 'a destination on which nobody listens',
    config: { egress: { unlisted: 'allow' }, defaults: { retry: { attempts: 1 } } },
    authority: '127.0.0.1:9',
    status: 502,
    reason: 'connect_refused',
  },
  {
    name: 'an address of the cloud that tells secrets',
    config: { egress: { unlisted: 'allow' } },
    authority: '169.254.169.254:80',
    status: 502,
    reason: 'prohibited_address',
  },
  {
    name: 'the same address in the clothes of IPv6',
    config: { egress: { unlisted: 'allow' } },
    authority: '[::ffff:169.254.169.254]:80',
    status: 502,
    reason: 'prohibited_address',
  },
  {
    name: 'an unspecified address',
    config: { egress: { unlisted: 'allow' } },
    authority: '0.0.0.0:443',
    status: 502,
    reason: 'prohibited_address',
  },
] as const) {
  test(`CONNECT to ${name} is refused with ${reason}, and the connection ends`, async (t) => {
    const sidecar = await startSidecar(t, config);

    const client = await ask(t, sidecar, authority, 'what must not be taken for a request\r\n\r\n');
    await client.ended();

    assert.match(client.text, new RegExp(`^HTTP/1\\.1 ${status} `));
    assert.match(client.text, new RegExp(`Proxy-Status: outrigger; error=\\w+; details="reason=${reason}`));
    assert.equal(client.text.match(/^HTTP\/1\.1 /gm)?.length, 1);
  });
}

test('a listener of our own cannot be reached through a tunnel, by whatever name', async (t) => {
  const sidecar = await startSidecar(t, { egress: { unlisted: 'allow' } });
  const { port } = sidecar.admin;

  for (const authority of [`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`, `127.1.2.3:${port}`]) {
    const client = await ask(t, sidecar, authority);
    await client.ended();
    assert.match(client.text, /^HTTP\/1\.1 (404|502) /, authority);
  }
});

test('an open breaker refuses a tunnel at once, and says when to come back', async (t) => {
  const [sidecar] = await startOpen(t, { defaults: { breaker: { volume: 2 }, retry: { attempts: 1 } } });

  for (let i = 0; i < 2; i += 1) await (await ask(t, sidecar, '127.0.0.1:9')).ended();
  const client = await ask(t, sidecar, '127.0.0.1:9');
  await client.ended();

  assert.match(client.text, /^HTTP\/1\.1 503 [\s\S]*reason=circuit_open[\s\S]*Retry-After: /);
});

test('a tunnel leaves the bulkhead to requests, and has a limit of its own', async (t) => {
  const http = await startHttpUpstream(t, (_call, response) => response.end('fine'));
  const sidecar = await startSidecar(t, {
    egress: { maxTunnels: 2 },
    upstreams: {
      api: { hosts: ['api.test'], endpoints: [http.address], bulkhead: { concurrency: 1, queue: 0 } },
    },
  });

  const first = await ask(t, sidecar, 'api.test:443');
  await first.hears('200');
  const second = await ask(t, sidecar, 'api.test:443');
  await second.hears('200');
  const third = await ask(t, sidecar, 'api.test:443');
  await third.ended();
  const plain = await connectBytes(t, sidecar.egress);
  plain.say('GET / HTTP/1.1\r\nHost: api.test\r\n\r\n');
  await plain.hears('fine');
  await sidecar.metricIs('tunnels_open', {}, 2);
  first.reset();
  await sidecar.metricIs('tunnels_open', {}, 1);

  assert.match(third.text, /^HTTP\/1\.1 503 [\s\S]*reason=too_many_tunnels/);
  await (await ask(t, sidecar, 'api.test:443')).hears('200');
});

test('an unlisted destination with an open tunnel does not make room for another one', async (t) => {
  const [sidecar, server] = await startOpen(t, { egress: { unlisted: 'allow', maxUnlisted: 1 } });
  const other = await startByteServer(t, (peer) => peer.say('other'));
  const open = await ask(t, sidecar, server.address);
  await open.hears('hello');

  const refused = await ask(t, sidecar, other.address);
  await refused.ended();
  open.reset();
  await sidecar.metricIs('tunnels_open', {}, 0);
  await (await ask(t, sidecar, other.address)).hears('other');

  assert.match(refused.text, /reason=too_many_destinations/);
});

test('on a port that leads to one upstream CONNECT means nothing and is refused', async (t) => {
  const http = await startHttpUpstream(t, (_call, response) => response.end('fine'));
  const sidecar = await startSidecar(t, {
    upstreams: { api: { listen: '127.0.0.1:0', endpoints: [http.address] } },
  });

  const client = await connectBytes(t, sidecar.listener('api'));
  client.say(connectTo('api.test:443'));
  await client.ended();

  assert.match(client.text, /^HTTP\/1\.1 405 /);
});

test('a client that leaves while its tunnel is being made leaves nothing behind', async (t) => {
  const [sidecar] = await startOpen(t, { defaults: { timeout: { connect: '1h', total: '1h' } } });
  const port = await startFullBacklog(t);

  const client = await ask(t, sidecar, `127.0.0.1:${port}`);
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'unlisted' }, 1);
  client.reset();

  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'unlisted' }, 0);
  assert.equal((await sidecar.accessLineAt(0))['outcome'], 'cancelled');
});
