import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { ServerConnection } from '../../src/http1/server-connection.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { forward } from '../../src/proxy/forward.ts';
import { EventBus } from '../../src/telemetry/bus.ts';
import { LineSink } from '../../src/telemetry/line-sink.ts';
import { createLog } from '../../src/telemetry/log.ts';
import type { DialObserver } from '../../src/upstream/dialer.ts';
import { Http1Transport } from '../../src/upstream/http1-transport.ts';
import { SocketReads } from '../../src/upstream/socket-reads.ts';
import { Pipeline } from '../rig/pipeline.ts';
import { serverContext } from '../rig/server-context.ts';

/** An object in a socket's place: what is written to it is gone at once. */
class BareSocket extends EventEmitter {
  readonly writableLength = 0;
  readonly writableHighWaterMark = 16_384;
  readonly writableNeedDrain = false;
  writes = 0;

  write(_text: string): boolean {
    this.writes += 1;
    return true;
  }

  setNoDelay(): void {}
  read(): void {}
  pause(): void {}
  resume(): void {}
  /** Who rests for long enough is closed. */
  end(): void {}
  destroy(): void {}
}

/** One that leads to the upstream, which answers when it is told to. */
class UpstreamSocket extends BareSocket {
  readonly reads = new SocketReads();

  answer(bytes: Buffer): void {
    const { buffer, callback } = this.reads.onread;
    const into = (buffer as () => Buffer)();
    bytes.copy(into);
    callback(bytes.length, into);
  }
}

const content = JSON.stringify({ data: 'x'.repeat(117) });
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${content.length}\r\n\r\n${content}`,
);
const requestText = [
  'GET /items/42?expand=price HTTP/1.1',
  'Host: u',
  'User-Agent: outrigger-bench',
  'Accept: application/json',
  'X-Request-Id: 0123456789abcdef',
].join('\r\n');

/** The access log as it is by default, but for where its lines go. */
const accessLog = () => {
  const writer = {
    write: (
      _descriptor: number,
      bytes: Buffer,
      _offset: number,
      done: (error: null, written: number) => void,
    ) => done(null, bytes.length),
    writeSync: (_descriptor: number, bytes: Buffer) => bytes.length,
    pause: () => {},
  };
  return createLog({
    settings: { level: 'info', format: 'json', access: 'errors', sampleRatio: 0 },
    sink: new LineSink({ clock: systemClock, descriptor: 1, writer }),
    clock: systemClock,
    random: () => 0,
  });
};

/**
 * The whole path of requests with objects in place of sockets: all that is our own, and nothing of the system. What it
 * takes here is about half of what it takes in a process that serves, where the system uses the processor's caches, too.
 */
export class BarePipeline {
  readonly #clients: BareSocket[] = [];
  readonly #upstream: UpstreamSocket[] = [];

  /** `force`: `open` has each request refused by the breaker, `none` has it answered by the upstream. */
  constructor(clients: number, force: 'none' | 'open' = 'none') {
    const pipeline = new Pipeline({ timeout: { attempt: '5s' }, breaker: { slowerThan: '1s', force } });
    const bus = new EventBus([accessLog().listener]);
    const context = { ...pipeline.context, clock: systemClock, bus };
    const { bounds } = serverContext(systemClock, () => {});
    const transport = new Http1Transport({
      clock: systemClock,
      dialer: { dial: (_address, _timeoutMs, observer) => this.#dial(observer) },
      pool: { connectionsPerEndpoint: 256, maxIdle: 64, idleMs: 4000 },
      bounds: { ...bounds, informational: 10 },
    });
    const plan = { ...pipeline.plan, transport };
    const destination = { authority: { host: 'u', port: 80 }, host: 'u' };
    const server = serverContext(systemClock, (exchange) => forward(exchange, plan, destination, context));
    for (let i = 0; i < clients; i += 1) {
      const socket = new BareSocket();
      new ServerConnection(socket as unknown as Socket, server);
      this.#clients.push(socket);
    }
  }

  /** Every client asks, and gets its answer. Returns how many answers there have been. */
  round(): number {
    for (const client of this.#clients) client.emit('data', Buffer.from(`${requestText}\r\n\r\n`, 'latin1'));
    for (const socket of this.#upstream) socket.answer(answer);
    return this.#clients.reduce((writes, client) => writes + client.writes, 0);
  }

  #dial(observer: DialObserver) {
    const socket = new UpstreamSocket();
    this.#upstream.push(socket);
    observer.dialled(socket as unknown as Socket, socket.reads);
    return { cancel: () => {} };
  }
}
