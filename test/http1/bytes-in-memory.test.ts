import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { ServerConnection } from '../../src/http1/server-connection.ts';
import type { ServerExchange } from '../../src/http1/server-exchange.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { TimeoutQueue } from '../../src/lib/timeout-queue.ts';
import { eventually, Signal } from '../rig/eventually.ts';
import { connectRaw, type RawClient } from '../rig/raw-client.ts';
import { serverContext } from '../rig/server-context.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
/** The most that the system gives at once. Who stops a socket still gets one or two reads, which Node keeps. */
const READ_BYTES = 64 * KIB;

/** Exchanges on real connections of a server that does nothing by itself. */
class Server {
  readonly exchanges: ServerExchange[] = [];
  readonly connections: ServerConnection[] = [];
  readonly changed = new Signal();
  port = 0;

  async listen(t: TestContext): Promise<void> {
    const context = serverContext(systemClock, (exchange) => {
      this.exchanges.push(exchange);
      this.changed.raise();
    });
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      this.connections.push(new ServerConnection(socket, context));
    });
    server.listen(0, '127.0.0.1');
    t.after(() => {
      server.close();
      for (const connection of this.connections) connection.destroy();
      for (const timeouts of Object.values(context)) if (timeouts instanceof TimeoutQueue) timeouts.close();
    });
    await once(server, 'listening');
    this.port = (server.address() as AddressInfo).port;
  }

  exchange(index: number): Promise<ServerExchange> {
    return this.changed.until(() => this.exchanges[index] ?? null);
  }
}

const start = async (t: TestContext): Promise<{ server: Server; client: RawClient }> => {
  const server = new Server();
  await server.listen(t);
  return { server, client: await connectRaw(t, { host: '127.0.0.1', port: server.port }) };
};

/** Long enough for everything that would be read to be read: nobody else has anything to do. */
const manyTurns = async (): Promise<void> => {
  for (let count = 0; count < 200; count += 1) await turn();
};

const collect = (exchange: ServerExchange): Promise<number> =>
  new Promise((resolve) => {
    let bytes = 0;
    exchange.attach({
      bodyData: (chunk) => {
        bytes += chunk.length;
      },
      bodyEnd: () => resolve(bytes),
    });
  });

const uploads: readonly (readonly [what: string, pieces: readonly (string | Buffer)[], reads: number])[] = [
  [
    'whose head came by itself',
    [`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${10 * MIB}\r\n\r\n`, Buffer.alloc(10 * MIB)],
    2,
  ],
  [
    'whose head came with content',
    [
      Buffer.concat([
        Buffer.from(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${10 * MIB}\r\n\r\n`),
        Buffer.alloc(10 * MIB),
      ]),
    ],
    3,
  ],
  [
    'that comes in chunks',
    [
      Buffer.concat([
        Buffer.from(
          `PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${(10 * MIB).toString(16)}\r\n`,
        ),
        Buffer.alloc(10 * MIB),
        Buffer.from('\r\n0\r\n\r\n'),
      ]),
    ],
    4,
  ],
];

for (const [what, [first, ...rest], reads] of uploads) {
  test(`10 MiB that nobody wants yet, ${what}, stay with the client but for ${reads} reads, and come whole later`, async (t) => {
    const { server, client } = await start(t);
    client.send(first!);
    const exchange = await server.exchange(0);
    for (const piece of rest) client.send(piece);

    await manyTurns();

    const { socket } = server.connections[0]!;
    assert.ok(socket.bytesRead <= reads * READ_BYTES + 200, `${socket.bytesRead} bytes were read`);
    assert.ok(client.socket.writableLength > 0, 'the client is stopped');
    assert.equal(await collect(exchange), 10 * MIB);
  });
}

test('of a body that fits in, everything is read, so that the end of its client is seen', async (t) => {
  const { server, client } = await start(t);
  client.send(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${60 * KIB}\r\n\r\n`);
  const exchange = await server.exchange(0);
  client.send(Buffer.alloc(60 * KIB));
  client.end();

  await eventually('the end was seen', () => server.connections[0]!.socket.readableEnded);
  assert.equal(await collect(exchange), 60 * KIB);
});

/** Answers the first request with so many bytes, and gives what is noted of it. */
const answerWith = (exchange: ServerExchange, bytes: number): { outs: number } => {
  const noted = { outs: 0 };
  exchange.respond(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes}\r\n\r\n`, false, false);
  if (bytes > 0) exchange.write(Buffer.alloc(bytes));
  exchange.whenOut(() => {
    noted.outs += 1;
  });
  assert.equal(noted.outs, 0, 'not before it is complete');
  exchange.finish();
  return noted;
};

const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

test('an answer that the system takes is out at once', async (t) => {
  const { server, client } = await start(t);
  client.send(get);
  assert.equal(answerWith(await server.exchange(0), 0).outs, 1);
  client.send(get);
  assert.equal(answerWith(await server.exchange(1), 10 * KIB).outs, 1);
});

test('an answer that the client does not take is out when it has, once', async (t) => {
  const { server, client } = await start(t);
  client.socket.pause();
  client.send(get);
  const noted = answerWith(await server.exchange(0), 32 * MIB);
  await manyTurns();
  assert.equal(noted.outs, 0);

  client.socket.resume();

  await client.response();
  assert.equal(noted.outs, 1);
});

for (const [how, leave] of [
  ['resets', (client: RawClient) => client.reset()],
  ['closes', (client: RawClient) => client.leave()],
] as const) {
  test(`an answer whose client ${how} the connection is out of memory then, once`, async (t) => {
    const { server, client } = await start(t);
    client.socket.pause();
    client.send(get);
    const noted = answerWith(await server.exchange(0), 32 * MIB);
    await manyTurns();

    leave(client);

    await eventually('it is out', () => noted.outs > 0);
    await eventually('the connection is gone', () => server.connections[0]!.socket.closed);
    assert.equal(noted.outs, 1);
  });
}

test('an answer on a connection that we end is out when it was taken; one on a destroyed connection is out', async (t) => {
  const { server, client } = await start(t);
  client.socket.pause();
  client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  const ending = await server.exchange(0);
  server.connections[0]!.isDraining = true;
  const noted = answerWith(ending, 32 * MIB);
  assert.equal(noted.outs, 0);
  client.socket.resume();
  await client.response();
  assert.equal(noted.outs, 1);

  const other = await connectRaw(t, { host: '127.0.0.1', port: server.port });
  other.send(get);
  const exchange = await server.exchange(1);
  server.connections[1]!.socket.destroy();
  const late = answerWith(exchange, 32 * MIB);
  await eventually('it is out', () => late.outs > 0);
  await manyTurns();
  assert.equal(late.outs, 1);
});

test('an answer that is cut before it is complete is out, once', async (t) => {
  const { server, client } = await start(t);
  client.send(get);
  const exchange = await server.exchange(0);
  let outs = 0;
  exchange.respond('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n', false, false);
  exchange.whenOut(() => {
    outs += 1;
  });

  exchange.cut();
  exchange.cut();

  await client.closed();
  assert.equal(outs, 1);
});
