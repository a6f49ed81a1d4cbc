import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { ServerConnection } from '../../src/http1/server-connection.ts';
import type { ServerExchange } from '../../src/http1/server-exchange.ts';
import { TimeoutQueue } from '../../src/lib/timeout-queue.ts';
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

test('a client that pipelines and leaves part of an answer untaken is cut after the write stall', () => {
  const clock = new VirtualClock();
  const socket = new HalfTakenSocket();
  const exchanges: ServerExchange[] = [];
  const queue = (ms: number) => new TimeoutQueue(clock, ms);
  new ServerConnection(socket as unknown as Socket, {
    clock,
    bounds: {
      head: { lineBytes: 8192, headBytes: 32_768, fields: 200 },
      chunked: { extensionBytes: 1024, trailerBytes: 8192, fields: 200 },
      bodyBytes: Number.POSITIVE_INFINITY,
    },
    headTimeouts: queue(10_000),
    keepAliveTimeouts: queue(60_000),
    bodyTimeouts: queue(30_000),
    stallTimeouts: queue(30_000),
    lingerTimeouts: queue(1000),
    handler: {
      request: (exchange) => exchanges.push(exchange),
      refusal: () => '',
      clientEnded() {},
      closed() {},
    },
  });
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
