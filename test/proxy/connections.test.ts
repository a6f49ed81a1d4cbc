import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectRaw } from '../rig/raw-client.ts';
import { answering, ok, type RawHandler, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar({ after }, upstreamU([upstream.address]));

const get = (path: string, fields = '', version = '1.1'): string =>
  `GET ${path} HTTP/${version}\r\nHost: u.test\r\n${fields}\r\n`;

const echoPath: RawHandler = async (exchange) => {
  await exchange.whole();
  exchange.write(ok(exchange.startLine.split(' ')[1]));
};

test('one client connection and one upstream connection serve request after request', async (t) => {
  upstream.handler = answering(ok());
  const client = await connectRaw(t, sidecar.egress);

  for (let count = 0; count < 20; count += 1) {
    assert.equal(statusOf(await client.send(get('/')).response()), 200);
  }

  assert.equal(upstream.connections.length, 1);
});

test('pipelined requests are answered in the order in which they came', async (t) => {
  const slowFirst = Promise.withResolvers<void>();
  upstream.handler = async (exchange) => {
    await exchange.whole();
    if (exchange.startLine.includes('/1 ')) await slowFirst.promise;
    exchange.write(ok(exchange.startLine.split(' ')[1]));
  };
  const client = await connectRaw(t, sidecar.egress);

  client.send(get('/1') + get('/2') + get('/3') + get('/4'));
  slowFirst.resolve();

  for (const path of ['/1', '/2', '/3', '/4']) assert.equal((await client.response()).body.toString(), path);
});

test('a hundred pipelined requests with bodies in one packet are all answered in order', async (t) => {
  upstream.handler = echoPath;
  const client = await connectRaw(t, sidecar.egress);
  const post = (path: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\n\r\nabc`;

  client.send(Array.from({ length: 100 }, (_, index) => post(`/${index}`)).join(''));

  for (let index = 0; index < 100; index += 1) {
    assert.equal((await client.response()).body.toString(), `/${index}`);
  }
});

test('one upstream connection never carries two requests at the same time', async (t) => {
  const held = Promise.withResolvers<void>();
  upstream.handler = async (exchange) => {
    await exchange.whole();
    await held.promise;
    exchange.write(ok());
  };
  const clients = await Promise.all(Array.from({ length: 5 }, () => connectRaw(t, sidecar.egress)));
  const before = upstream.exchanges.length;

  for (const client of clients) client.send(get('/'));
  await upstream.exchange(before + 4);
  held.resolve();
  for (const client of clients) assert.equal(statusOf(await client.response()), 200);

  const connections = upstream.exchanges.slice(before).map(({ connection }) => connection);
  assert.equal(new Set(connections).size, 5);
});

test('Connection: close from the client ends its connection after the answer', async (t) => {
  upstream.handler = echoPath;
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send(get('/a', 'Connection: close\r\n')).response();

  assert.equal(response.body.toString(), '/a');
  assert.equal(fieldOf(response, 'connection')?.toLowerCase(), 'close');
  assert.equal(await client.closed(), 'end');
});

test('Connection: close from the upstream ends that connection alone', async (t) => {
  upstream.handler = answering(ok('bye', 'Connection: close\r\n'));
  const client = await connectRaw(t, sidecar.egress);
  const before = upstream.exchanges.length;

  const response = await client.send(get('/a')).response();

  assert.equal(response.body.toString(), 'bye');
  await upstream.exchanges[before]!.connection.over();
  upstream.handler = echoPath;
  assert.equal((await client.send(get('/b')).response()).body.toString(), '/b');
});

test('an HTTP/1.0 client gets its answer and the end of the connection', async (t) => {
  upstream.handler = echoPath;
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send(get('/old', '', '1.0')).response();

  assert.equal(response.body.toString(), '/old');
  assert.equal(await client.closed(), 'end');
});

test('an HTTP/1.0 client that asks for keep-alive may send again', async (t) => {
  upstream.handler = echoPath;
  const client = await connectRaw(t, sidecar.egress);
  const fields = 'Connection: keep-alive\r\n';

  const first = await client.send(get('/1', fields, '1.0')).response();

  assert.equal(first.body.toString(), '/1');
  if (fieldOf(first, 'connection')?.toLowerCase() !== 'keep-alive') return;
  assert.equal((await client.send(get('/2', fields, '1.0')).response()).body.toString(), '/2');
});

test('an HTTP/1.0 client gets a chunked answer without chunks, ended by the close', async (t) => {
  upstream.handler = answering(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n',
  );
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send(get('/old', '', '1.0')).response();

  assert.equal(response.framing, 'close');
  assert.equal(response.body.toString(), 'abcdef');
});

test('an HTTP/1.0 client on an upstream’s own port needs no Host', async (t) => {
  upstream.handler = echoPath;
  const before = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.listener('u'));

  const response = await client.send('GET /old HTTP/1.0\r\n\r\n').response();

  assert.equal(response.body.toString(), '/old');
  assert.equal(fieldOf(upstream.exchanges[before]!, 'host'), 'u.test');
});

test('a client that ends its side after the request still gets the answer', async (t) => {
  const held = Promise.withResolvers<void>();
  upstream.handler = async (exchange) => {
    await exchange.whole();
    await held.promise;
    exchange.write(ok('late'));
  };
  const before = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.egress);

  client.send(get('/half')).end();
  await upstream.exchange(before);
  held.resolve();

  assert.equal((await client.response()).body.toString(), 'late');
});

test('an upstream that ends its side after the whole answer has answered', async (t) => {
  upstream.handler = async (exchange) => {
    await exchange.whole();
    exchange.write(ok('last words'));
    exchange.connection.socket.end();
  };
  const client = await connectRaw(t, sidecar.egress);

  assert.equal((await client.send(get('/')).response()).body.toString(), 'last words');
});

test('a connection that an exchange spoiled for the client is closed, a good one is not', async (t) => {
  upstream.handler = answering(ok());
  const client = await connectRaw(t, sidecar.egress);
  assert.equal(statusOf(await client.send(get('/1')).response()), 200);
  const refused = await client.send('GET / HTTP/1.1\r\nHost: unlisted.test\r\n\r\n').response();
  assert.equal(statusOf(refused), 403);
  assert.equal(statusOf(await client.send(get('/2')).response()), 200);
});
