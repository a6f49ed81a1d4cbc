import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Signal } from '../rig/eventually.ts';
import type { GeneratorOrder, GeneratorReply } from './rig-messages.ts';

/** Answers each request with these pieces, each in a write of its own, and counts. */
async function listen(t: TestContext, ...pieces: string[]) {
  const asked = new Signal();
  const seen = {
    requests: 0,
    /** First lines, in the order of their coming. */
    lines: [] as string[],
    connections: 0,
    /** How many requests came on each. */
    byConnection: [] as number[],
    port: 0,
    pieces,
    untilRequests: (requests: number) => asked.until(() => (seen.requests >= requests ? true : null)),
  };
  const answer = (socket: Socket, request: string) => {
    seen.requests++;
    seen.lines.push(request.split('\r\n', 1)[0]!);
    asked.raise();
    for (const piece of seen.pieces) socket.write(piece);
  };
  const server = createServer({ noDelay: true }, (socket) => {
    const connection = seen.connections++;
    seen.byConnection[connection] = 0;
    socket.on('data', (request) => {
      seen.byConnection[connection]! += 1;
      answer(socket, request.toString('latin1'));
    });
    socket.on('error', () => socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  seen.port = (server.address() as AddressInfo).port;
  return seen;
}

function startGenerator(t: TestContext) {
  const child = fork(fileURLToPath(new URL('./generator.ts', import.meta.url)));
  t.after(() => child.kill());
  return async (order: GeneratorOrder): Promise<GeneratorReply> => {
    const reply = once(child, 'message');
    child.send(order);
    return (await reply)[0];
  };
}

/** What every order says. */
const usual = {
  requests: ['GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
  status: 200,
  tolerated: null,
  bodyBytes: 5,
  perSecond: null,
};

const head = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n';

test('the generator counts each answered request once, and leaves none under way', async (t) => {
  const upstream = await listen(t, `${head}hello`);
  const ask = startGenerator(t);

  const connected = await ask({
    kind: 'connect',
    port: upstream.port,
    connections: 4,
    ...usual,
    isKept: true,
  });
  const beforehand = upstream.requests;
  const ran = await ask({ kind: 'run', durationMs: 30 });

  assert.equal(connected.kind, 'connected');
  assert.equal(beforehand, 4);
  assert.equal(ran.kind === 'ran' && ran.requests, upstream.requests - beforehand);
  assert.equal(upstream.requests >= 8, true);
});

test('an answer in several pieces counts once', async (t) => {
  const upstream = await listen(t, head.slice(0, 11), head.slice(11), 'he', 'llo');
  const ask = startGenerator(t);

  await ask({ kind: 'connect', port: upstream.port, connections: 2, ...usual, isKept: true });
  const ran = await ask({ kind: 'run', durationMs: 10 });

  assert.equal(ran.kind === 'ran' && ran.requests, upstream.requests - 2);
});

test('another status than 200 stops the measurement', async (t) => {
  const upstream = await listen(t, 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\nhello');
  const ask = startGenerator(t);

  const reply = await ask({
    kind: 'connect',
    port: upstream.port,
    connections: 1,
    ...usual,
    isKept: true,
  });

  assert.deepEqual(reply, {
    kind: 'failed',
    why: 'unexpected answer: HTTP/1.1 503 Service Unavailable',
  });
});

test('a longer answer than expected stops the measurement', async (t) => {
  const upstream = await listen(t, `${head}hello, world`);
  const ask = startGenerator(t);

  const reply = await ask({
    kind: 'connect',
    port: upstream.port,
    connections: 1,
    ...usual,
    isKept: true,
  });

  assert.deepEqual(reply, { kind: 'failed', why: 'answer longer than expected' });
});

test('where connections are not kept, each request goes on one of its own', async (t) => {
  const upstream = await listen(t, `${head}hello`);
  const ask = startGenerator(t);

  await ask({ kind: 'connect', port: upstream.port, connections: 2, ...usual, isKept: false });
  const before = upstream.connections;
  const ran = await ask({ kind: 'run', durationMs: 30 });

  assert.equal(before, 2);
  // The first of each client in a run goes on the connection that it had.
  assert.equal(ran.kind === 'ran' && ran.requests, upstream.connections - before + 2);
});

test('where refusals are wanted, what comes before the first of them is not counted', async (t) => {
  const upstream = await listen(t, 'HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nno!');
  const ask = startGenerator(t);
  const order = { ...usual, status: 503, bodyBytes: -1, port: upstream.port, connections: 2, isKept: true };

  const connected = ask({ kind: 'connect', ...order });
  await upstream.untilRequests(6);
  upstream.pieces = ['HTTP/1.1 503 Service Unavailable\r\nContent-Length: 5\r\n\r\n', 'later'];
  assert.equal((await connected).kind, 'connected');
  const before = upstream.requests;
  const ran = await ask({ kind: 'run', durationMs: 10 });

  assert.equal(ran.kind === 'ran' && ran.requests, upstream.requests - before);
});

test('at a steady rate each request has its time, and an answer that is late holds the others up', async (t) => {
  const upstream = await listen(t, `${head}hello`);
  const ask = startGenerator(t);
  const order = { ...usual, perSecond: 500, port: upstream.port, connections: 3, isKept: true };

  const connected = await ask({ kind: 'connect', ...order });
  const before = upstream.requests;
  const ran = await ask({ kind: 'run', durationMs: 100 });

  assert.equal(connected.kind, 'connected');
  assert.ok(ran.kind === 'ran' && ran.latency !== null);
  assert.equal(ran.requests, 50);
  assert.equal(upstream.requests - before, 50);
  assert.ok(ran.latency.p50 > 0 && ran.latency.p50 <= ran.latency.p90 && ran.latency.p90 <= ran.latency.p99);
});

test('at a steady rate the connections take turns, so that none of them rests until the proxy closes it', async (t) => {
  const upstream = await listen(t, `${head}hello`);
  const ask = startGenerator(t);
  const order = { ...usual, perSecond: 50, port: upstream.port, connections: 3, isKept: true };

  await ask({ kind: 'connect', ...order });
  const before = upstream.byConnection.slice();
  await ask({ kind: 'run', durationMs: 140 });

  assert.deepEqual(before, [1, 1, 1]);
  for (const requests of upstream.byConnection) assert.ok(requests > 1, `${upstream.byConnection}`);
});

test('several requests are sent in turn, and then from the first again', async (t) => {
  const upstream = await listen(t, `${head}hello`);
  const ask = startGenerator(t);
  const requests = ['/a', '/b', '/c'].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const order = { ...usual, requests, perSecond: 200, port: upstream.port, connections: 1, isKept: true };

  await ask({ kind: 'connect', ...order });
  await ask({ kind: 'run', durationMs: 20 });

  const turns = ['/a', '/b', '/c', '/a', '/b'].map((path) => `GET ${path} HTTP/1.1`);
  assert.deepEqual(upstream.lines, turns);
});

test('an answer that is only tolerated is counted as a failure, and its time is not counted', async (t) => {
  const upstream = await listen(t, `${head}hello`);
  const ask = startGenerator(t);
  const order = {
    ...usual,
    tolerated: 503,
    perSecond: 500,
    port: upstream.port,
    connections: 2,
    isKept: true,
  };

  await ask({ kind: 'connect', ...order });
  upstream.pieces = ['HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nno!'];
  const ran = await ask({ kind: 'run', durationMs: 20 });

  assert.ok(ran.kind === 'ran');
  assert.deepEqual([ran.requests, ran.failures, ran.latency], [10, 10, null]);
});
