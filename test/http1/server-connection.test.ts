import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { ServerConnection } from '../../src/http1/server-connection.ts';
import type { ServerExchange } from '../../src/http1/server-exchange.ts';
import { TimeoutQueue } from '../../src/lib/timeout-queue.ts';
import { eventually } from '../rig/eventually.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { serverContext } from '../rig/server-context.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

/** A client's socket of which the system took all but `writableLength` bytes, and that has not drained yet. */
class HalfTakenSocket extends EventEmitter {
  readonly writableHighWaterMark = 64 * 1024;
  writableNeedDrain = false;
  writableLength = 0;
  isDestroyed = false;

  setNoDelay(): void {}
  cork(): void {}
  uncork(): void {}
  pause(): void {}
  resume(): void {}
  read(): null {
    return null;
  }
  end(): void {}
  write(): boolean {
    this.writableNeedDrain = true;
    this.writableLength = 30_000;
    return false;
  }
  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }
}

/** One that the system takes everything from. */
class TakingSocket extends HalfTakenSocket {
  override write(): boolean {
    return true;
  }
}

test('content that came with its head is there for a handler that asks, and many requests at once are no depth', () => {
  const pipelined = 2000;
  const clock = new VirtualClock();
  const socket = new TakingSocket();
  let heard = '';
  let begun = 0;
  let ended = 0;
  const context = serverContext(clock, (exchange) => {
    begun += 1;
    const answer = () => {
      ended += 1;
      exchange.respond('HTTP/1.1 204 No Content\r\n\r\n', false, false);
      exchange.finish();
    };
    exchange.attach({ bodyData: (chunk) => (heard += chunk), bodyEnd: answer });
    assert.equal(ended, begun, 'before the handler returns');
  });
  new ServerConnection(socket as unknown as Socket, context);

  socket.emit(
    'data',
    Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx'.repeat(pipelined)),
  );

  assert.equal(ended, pipelined);
  assert.equal(heard, 'x'.repeat(pipelined));
});

test('a request that is answered while another one’s content is read begins after that, not within it', () => {
  const socket = new TakingSocket();
  const exchanges: ServerExchange[] = [];
  let depth = 0;
  let deepest = 0;
  const context = serverContext(new VirtualClock(), (exchange) => {
    depth += 1;
    deepest = Math.max(deepest, depth);
    exchanges.push(exchange);
    depth -= 1;
  });
  new ServerConnection(socket as unknown as Socket, context);
  socket.emit('data', Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx'.repeat(2)));
  assert.equal(exchanges.length, 1);

  // Asked for only now, as by a request that had to wait for a place.
  const told: string[] = [];
  exchanges[0]!.attach({
    bodyData: (chunk) => told.push(`${chunk}`),
    bodyEnd() {
      depth += 1;
      exchanges[0]!.respond('HTTP/1.1 204 No Content\r\n\r\n', false, false);
      exchanges[0]!.finish();
      depth -= 1;
    },
  });

  assert.deepEqual(told, ['x']);
  assert.equal(exchanges.length, 2);
  assert.equal(deepest, 1);
});

test('a client that pipelines and leaves part of an answer untaken is cut after the write stall', () => {
  const clock = new VirtualClock();
  const socket = new HalfTakenSocket();
  const exchanges: ServerExchange[] = [];
  const context = serverContext(clock, (exchange) => exchanges.push(exchange));
  new ServerConnection(socket as unknown as Socket, context);
  socket.emit('data', Buffer.from('GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n'));

  exchanges[0]!.respond('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n', false, false);
  exchanges[0]!.write(Buffer.alloc(100_000));
  exchanges[0]!.finish();

  assert.equal(exchanges.length, 1, 'the second request waits until the first answer is taken');
  clock.advance(29_999);
  assert.equal(socket.isDestroyed, false);
  clock.advance(1);
  assert.equal(socket.isDestroyed, true);
});

test('a connection that is cut before its client has taken the last answer leaves no timer behind', async (t) => {
  const clock = new VirtualClock();
  const body = Buffer.alloc(32 * 1024 * 1024);
  const context = serverContext(clock, (exchange) => {
    exchange.respond(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`, false, true);
    exchange.write(body);
    exchange.finish();
  });
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = await connectRaw(t, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  client.socket.pause();
  const [socket] = (await accepted) as [Socket];
  const connection = new ServerConnection(socket, context);
  client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'data');
  assert.ok(socket.writableLength > 0, 'the client has not taken all of it');

  connection.abandon();
  for (const queue of Object.values(context)) if (queue instanceof TimeoutQueue) queue.close();
  await once(socket, 'close');

  assert.equal(clock.pendingTimers, 0);
});

test('a tunnel of HTTP/1.0 that is given up while its half is being ended leaves no descriptor open', async (t) => {
  const context = serverContext(new VirtualClock(), (exchange) =>
    exchange.switchOver('HTTP/1.0 200 OK\r\n\r\n'),
  );
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = await connectRaw(t, { host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  const [socket] = (await accepted) as [Socket];
  const connection = new ServerConnection(socket, context);
  client.send('CONNECT a:1 HTTP/1.0\r\nHost: a:1\r\n\r\n');
  await client.receivedAtLeast(19);
  socket.on('error', () => {});
  assert.ok(socket.writableLength === 0, 'nothing is left to be written');

  socket.end();
  connection.abandon();

  client.leave();
  const descriptors = () =>
    process.getActiveResourcesInfo().filter((what) => what === 'TCPSocketWrap').length;
  await eventually('no socket is left in this process', () => descriptors() === 0);
});
