import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { answering, ok, type RawHandler, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar(
  { after },
  upstreamU([upstream.address], { retry: { attempts: 1 }, breaker: { force: 'closed' } }),
);

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const post = (id: string, body = 'abc'): string =>
  `POST /${id} HTTP/1.1\r\nHost: u.test\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

/** Serves one request on the next connection, and resets the connection at its second request's head. */
const resetAtSecond = (): void => {
  upstream.handler = async (exchange) => {
    const { connection } = exchange;
    if (connection.exchanges.length > 1) {
      connection.socket.resetAndDestroy();
      return;
    }
    await exchange.whole();
    exchange.write(ok(`first of ${upstream.connections.indexOf(connection)}`));
  };
};

test('a GET that a reused connection loses goes once more on a fresh one, though retries are off', async (t) => {
  resetAtSecond();
  const client = await connectRaw(t, sidecar.egress);
  assert.equal(statusOf(await client.send(get).response()), 200);
  const connections = upstream.connections.length;

  const response = await client.send(get).response();

  assert.equal(statusOf(response), 200);
  assert.equal(upstream.connections.length, connections + 1);
});

test('a GET that a fresh connection loses is not sent again when retries are off', async (t) => {
  const fresh = await startRawUpstream(t, ({ connection }) => connection.socket.resetAndDestroy());
  const own = await startSidecar(t, upstreamU([fresh.address], { retry: { attempts: 1 } }));
  const client = await connectRaw(t, own.egress);

  const response = await client.send(get).response();

  assert.equal(statusOf(response), 502);
  assert.match(fieldOf(response, 'proxy-status') ?? '', /error=connection_terminated/);
  assert.equal(fresh.exchanges.length, 1);
});

test('a POST that a reused connection loses after it was written is not sent again', async (t) => {
  resetAtSecond();
  const client = await connectRaw(t, sidecar.egress);
  assert.equal(statusOf(await client.send(get).response()), 200);

  const response = await client.send(post('once')).response();

  assert.equal(statusOf(response), 502);
  const seen = upstream.exchanges.filter(({ startLine }) => startLine.startsWith('POST /once '));
  assert.equal(seen.length, 1);
});

test('no POST is executed twice while the upstream resets every other request', async (t) => {
  let count = 0;
  upstream.handler = async (exchange) => {
    await exchange.whole();
    count += 1;
    if (count % 2 === 0) exchange.connection.socket.resetAndDestroy();
    else exchange.write(ok());
  };
  const caller = makeCaller(t, sidecar.egress);

  for (let index = 0; index < 40; index += 1) {
    await caller.call({ method: 'POST', path: `/twice/${index}`, body: 'abc' });
  }

  const paths = upstream.messages
    .map(({ startLine }) => startLine)
    .filter((line) => line.includes('/twice/'));
  assert.equal(new Set(paths).size, paths.length);
});

test('an upstream that closes every idle connection costs no GET an error', async (t) => {
  const closing = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.write(ok());
    // Closed right behind the answer, without a word: the race that keep-alive cannot win by itself.
    setImmediate(() => exchange.connection.socket.end());
  });
  const own = await startSidecar(t, upstreamU([closing.address], { retry: { attempts: 1 } }));
  const caller = makeCaller(t, own.egress);

  const statuses = new Set<number | string>();
  for (let index = 0; index < 300; index += 1) statuses.add(statusOrCode(await caller.call()));

  assert.deepEqual([...statuses], [200]);
});

test('an upstream that resets every idle connection costs no GET an error', async (t) => {
  const closing = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.write(ok());
    setImmediate(() => setImmediate(() => exchange.connection.socket.resetAndDestroy()));
  });
  const own = await startSidecar(t, upstreamU([closing.address], { retry: { attempts: 1 } }));
  const client = await connectRaw(t, own.egress);

  for (let index = 0; index < 100; index += 1) {
    const response = await client.send(get).response();
    assert.equal(statusOf(response), 200);
    assert.equal(response.body.toString(), 'ok');
  }
});

const timedOut = (connection: string): string =>
  `HTTP/1.1 408 Request Timeout\r\n${connection}Content-Length: 0\r\n\r\n`;

/** Serves one request on each connection, and answers the next one on it with these bytes. */
const goodbyeAtSecond =
  (bytes: string): RawHandler =>
  async (exchange) => {
    const isKept = exchange.connection.exchanges.length > 1;
    await exchange.whole();
    exchange.write(isKept ? bytes : ok());
    if (isKept) exchange.connection.socket.end();
  };

test('a 408 with which an upstream closes an idle connection costs no request that can be repeated an error', async (t) => {
  const closing = await startRawUpstream(t, goodbyeAtSecond(timedOut('Connection: close\r\n')));
  const own = await startSidecar(t, upstreamU([closing.address]));
  const client = await connectRaw(t, own.egress);
  const put = 'PUT /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\n\r\nabc';

  for (const request of [get, get, put, get, put]) {
    assert.equal(statusOf(await client.send(request).response()), 200);
  }

  assert.equal(closing.exchanges.length, 9, 'the first went out once, the others twice');
  assert.equal(closing.messages.filter(({ body }) => body.toString() === 'abc').length, 4);
  assert.equal(await own.metric('attempts_total', { upstream: 'u', outcome: 'success' }), 5);
  assert.equal(await own.metric('retries_total', { upstream: 'u' }), 0);
});

/** A 408 that is the answer to the request, and no race. */
const answers408: readonly [string, RawHandler, string][] = [
  [
    'to a POST, which may have been executed',
    goodbyeAtSecond(timedOut('Connection: close\r\n')),
    post('late'),
  ],
  ['that keeps the connection', goodbyeAtSecond(timedOut('')), get],
  [
    'that follows upon a 100',
    goodbyeAtSecond(`HTTP/1.1 100 Continue\r\n\r\n${timedOut('Connection: close\r\n')}`),
    get,
  ],
];

for (const [name, handler, request] of answers408) {
  test(`a 408 ${name} is passed on`, async (t) => {
    const slow = await startRawUpstream(t, handler);
    const own = await startSidecar(t, upstreamU([slow.address]));
    const client = await connectRaw(t, own.egress);
    assert.equal(statusOf(await client.send(get).response()), 200);

    assert.equal(statusOf(await client.send(request).finalResponse()), 408);

    assert.equal(slow.exchanges.length, 2);
  });
}

test('a 408 on a fresh connection is passed on', async (t) => {
  const slow = await startRawUpstream(t, answering(timedOut('Connection: close\r\n')));
  const own = await startSidecar(t, upstreamU([slow.address]));
  const client = await connectRaw(t, own.egress);

  assert.equal(statusOf(await client.send(get).response()), 408);

  assert.equal(slow.exchanges.length, 1);
});

test('a connection that was answered with 421 is not used again, not even by the retry', async (t) => {
  const misdirected = 'HTTP/1.1 421 Misdirected\r\nContent-Length: 0\r\n\r\n';
  const shared = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.write(shared.connections.length === 1 ? misdirected : ok());
  });
  const own = await startSidecar(t, upstreamU([shared.address], { retry: { on: [421] } }));
  const client = await connectRaw(t, own.egress);

  assert.equal(statusOf(await client.send(post('once')).response()), 200);

  assert.equal(shared.connections.length, 2);
  assert.equal(shared.messages[1]!.body.toString(), 'abc');
});

test('an idle connection is dropped a second before the time that the upstream announced', async (t) => {
  upstream.handler = answering(ok('ok', 'Keep-Alive: timeout=1\r\n'));
  const client = await connectRaw(t, sidecar.egress);
  assert.equal(statusOf(await client.send(get).response()), 200);
  const { connection } = upstream.exchanges.at(-1)!;

  // Announced 1 s less 1 s of margin: not kept at all.
  await connection.over();

  assert.equal(statusOf(await client.send(get).response()), 200);
  assert.notEqual(upstream.exchanges.at(-1)!.connection, connection);
});

test('of several idle connections the one used last is used first', async (t) => {
  const held = Promise.withResolvers<void>();
  const lifo = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    if (exchange.startLine.includes('/x ')) await held.promise;
    exchange.write(ok());
  });
  const own = await startSidecar(t, upstreamU([lifo.address]));
  const clients = await Promise.all([1, 2, 3].map(() => connectRaw(t, own.egress)));
  for (const client of clients) client.send(get);
  await lifo.exchange(2);
  held.resolve();
  for (const client of clients) await client.response();

  for (let count = 0; count < 5; count += 1) {
    await clients[0]!.send(post(`lifo${count}`)).response();
  }

  assert.equal(lifo.connections.length, 3);
  assert.equal(new Set(lifo.exchanges.slice(3).map(({ connection }) => connection)).size, 1);
});
