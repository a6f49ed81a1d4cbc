/**
 * Slow clients: some send the head of their request a byte at a time, some ask for much and read a piece of it at a time.
 * Who finds its connection closed comes again, as those do who mean it. A program of its own, so that it can be pinned;
 * it takes orders from the bench.
 */
import { connect, type Socket } from 'node:net';
import { CROWD_PER_SECOND, type CrowdOrder, type CrowdTally, LARGE_BYTES } from './rig-messages.ts';

const ARRIVE_EVERY_MS = 50;
const ARRIVALS = (CROWD_PER_SECOND * ARRIVE_EVERY_MS) / 1000;

const fields = 'Host: items.example\r\nUser-Agent: outrigger-bench\r\nAccept: */*\r\n';
/** Longer than the minute in which one byte a second is sent. */
const longHead = Buffer.from(`GET /items/42 HTTP/1.1\r\n${fields}X-Long: ${'x'.repeat(8192)}`);
const largeRequest = `GET /items/large HTTP/1.1\r\n${fields}\r\n`;

/** Someone who opens a connection, is slow on it, and opens another when it is closed. */
abstract class SlowClient {
  closed = 0;
  protected socket: Socket | null = null;
  readonly #port: number;

  constructor(port: number) {
    this.#port = port;
  }

  come(): void {
    const socket = connect({ port: this.#port, host: '127.0.0.1', noDelay: true });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.closed++;
      this.come();
    });
    this.socket = socket;
    this.begin(socket);
  }

  /** The next byte, or the next piece. */
  abstract step(): void;

  leave(): void {
    this.socket?.removeAllListeners('close').destroy();
  }

  /** What a new connection begins with. */
  protected abstract begin(socket: Socket): void;
}

class SlowHead extends SlowClient {
  #sent = 0;

  protected begin(socket: Socket): void {
    this.#sent = 0;
    // Whatever it is told does not matter; that the connection is closed then does.
    socket.resume();
  }

  step(): void {
    if (this.socket?.writable) this.socket.write(longHead.subarray(this.#sent, ++this.#sent));
  }
}

class SlowReader extends SlowClient {
  largeAnswers = 0;
  #received = 0;

  protected begin(socket: Socket): void {
    this.#received = 0;
    socket.on('data', (piece: Buffer) => {
      socket.pause();
      this.#received += piece.length;
      if (this.#received < LARGE_BYTES) return;
      this.largeAnswers++;
      this.#received = 0;
      socket.write(largeRequest);
    });
    socket.pause();
    socket.write(largeRequest);
  }

  step(): void {
    this.socket?.resume();
  }
}

const heads: SlowHead[] = [];
const readers: SlowReader[] = [];
const timers: NodeJS.Timeout[] = [];

function begin({ port, slowHeads, slowReaders, everyMs }: CrowdOrder & { kind: 'begin' }): void {
  const arrivals = setInterval(() => {
    for (let n = 0; n < ARRIVALS; n++) {
      if (heads.length < slowHeads) add(heads, new SlowHead(port));
      else if (readers.length < slowReaders) add(readers, new SlowReader(port));
      else clearInterval(arrivals);
    }
  }, ARRIVE_EVERY_MS);
  timers.push(arrivals);
  // Each has its moment within the interval: all at once would be a burst.
  const slices = Math.min(50, everyMs);
  let turn = 0;
  const steps = setInterval(() => {
    for (const crowd of [heads, readers]) {
      for (let n = turn; n < crowd.length; n += slices) crowd[n]!.step();
    }
    turn = (turn + 1) % slices;
  }, everyMs / slices);
  timers.push(steps);
}

function add<Client extends SlowClient>(crowd: Client[], client: Client): void {
  crowd.push(client);
  client.come();
}

function end(): CrowdTally {
  for (const timer of timers) clearInterval(timer);
  for (const client of [...heads, ...readers]) client.leave();
  const closed = (crowd: readonly SlowClient[]): number =>
    crowd.reduce((sum, client) => sum + client.closed, 0);
  const tally = {
    slowHeadsClosed: closed(heads),
    slowReadersClosed: closed(readers),
    largeAnswers: readers.reduce((sum, { largeAnswers }) => sum + largeAnswers, 0),
  };
  heads.length = 0;
  readers.length = 0;
  timers.length = 0;
  return tally;
}

process.on('message', (order: CrowdOrder) => {
  if (order.kind === 'begin') begin(order);
  else process.send?.(end());
});
process.on('disconnect', () => process.exit());
