/**
 * The clients, as cheap as they can be: connections that each send the next request when the answer is complete, on
 * themselves or on a connection that takes their place. A program of its own, so that it can be pinned; it takes orders from the bench and answers each one.
 */

import { connect, type Socket } from 'node:net';
import type { ConnectOrder, GeneratorOrder, GeneratorReply } from './rig-messages.ts';

/** Between two requests of a connection that waits for the first answer as it should be. */
const patienceMs = 20;

const headEnd = Buffer.from('\r\n\r\n');

/** One read buffer is enough: what a read brings is consumed before the next. */
const readBuffer = Buffer.allocUnsafe(256 * 1024);

/** What the connections report to. */
interface Load {
  readonly request: string;
  /** As it stands in the answer. */
  readonly status: string;
  readonly bodyBytes: number;
  readonly isKept: boolean;
  /** True until the first run, where failures are wanted: the proxy must first find out that its upstream is gone. */
  readonly isWarmingUp: boolean;
  /** An answer is complete. False: the connection is to rest. */
  answered(): boolean;
  failed(why: string): void;
}

class Client {
  readonly #load: Load;
  readonly #port: number;
  #socket: Socket;
  #head = '';
  #isInBody = false;
  /** Content that is still to come. */
  #missing = 0;
  #isEarly = false;

  constructor(port: number, load: Load) {
    this.#load = load;
    this.#port = port;
    this.#socket = this.#open();
  }

  send(): void {
    this.#socket.write(this.#load.request, 'latin1');
  }

  /** Sends the next one on a new connection. The one before is closed in order, as its client would. */
  sendAfresh(): void {
    this.#socket.removeAllListeners('end').on('end', () => {});
    this.#socket.end();
    this.#socket = this.#open();
  }

  #open(): Socket {
    const onread = { buffer: readBuffer, callback: (length: number) => this.#read(length) };
    const socket = connect({ host: '127.0.0.1', port: this.#port, noDelay: true, onread });
    socket.on('connect', () => this.send());
    socket.on('error', (error) => this.#load.failed(error.message));
    socket.on('end', () => this.#load.failed('connection closed by the proxy'));
    return socket;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(length: number): boolean {
    if (this.#isInBody) this.#missing -= length;
    else this.#readHead(length);
    if (this.#isInBody && this.#missing <= 0) this.#complete();
    return true;
  }

  /** The content's length is known, so the head need not be parsed: its status and its end are all that counts. */
  #readHead(length: number): void {
    const end = this.#head === '' ? readBuffer.subarray(0, length).indexOf(headEnd) : -1;
    if (end < 0) {
      this.#readSplitHead(length);
      return;
    }
    const isUsual = this.#load.bodyBytes >= 0 && readBuffer.toString('latin1', 9, 12) === this.#load.status;
    const head = isUsual ? '' : readBuffer.toString('latin1', 0, end);
    this.#beginBody(head, length - end - headEnd.length);
  }

  /** A head in more than one piece is rare, and may be slow. */
  #readSplitHead(length: number): void {
    this.#head += readBuffer.toString('latin1', 0, length);
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return;
    this.#beginBody(this.#head, this.#head.length - end - headEnd.length);
    this.#head = '';
  }

  /** `head` may be empty where the answer is known to be as expected, and its length too. */
  #beginBody(head: string, receivedBytes: number): void {
    const { status, bodyBytes, isWarmingUp } = this.#load;
    this.#isEarly = head !== '' && head.slice(9, 12) !== status;
    if (this.#isEarly && !isWarmingUp) this.#refused(head);
    this.#isInBody = true;
    this.#missing = (this.#isEarly || bodyBytes < 0 ? lengthIn(head) : bodyBytes) - receivedBytes;
  }

  #refused(head: string): void {
    this.#load.failed(`unexpected answer: ${head.split('\r\n', 1)[0]}`);
  }

  #complete(): void {
    this.#isInBody = false;
    if (this.#isEarly) setTimeout(() => this.send(), patienceMs);
    else if (this.#missing < 0) this.#load.failed('answer longer than expected');
    else if (this.#load.answered()) {
      if (this.#load.isKept) this.send();
      else this.sendAfresh();
    }
  }
}

/** What the head of an answer says of its content. */
function lengthIn(head: string): number {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length === undefined) reply({ kind: 'failed', why: `an answer without a length: ${head}` });
  return Number(length);
}

class Generator implements Load {
  readonly request: string;
  readonly status: string;
  readonly bodyBytes: number;
  readonly isKept: boolean;
  readonly #clients: Client[] = [];
  #resting = 0;
  #isRunning = false;
  #requests = 0;
  #startedAt = 0;

  constructor({ port, connections, request, status, bodyBytes, isKept }: ConnectOrder) {
    this.request = request;
    this.status = String(status);
    this.bodyBytes = bodyBytes;
    this.isKept = isKept;
    for (let i = 0; i < connections; i++) this.#clients.push(new Client(port, this));
  }

  get isWarmingUp(): boolean {
    return this.#startedAt === 0 && this.status !== '200';
  }

  run(durationMs: number): void {
    this.#isRunning = true;
    this.#requests = 0;
    this.#resting = 0;
    this.#startedAt = performance.now();
    setTimeout(() => {
      this.#isRunning = false;
    }, durationMs);
    for (const client of this.#clients) client.send();
  }

  answered(): boolean {
    this.#requests++;
    if (this.#isRunning) return true;
    this.#resting++;
    if (this.#resting === this.#clients.length) this.#allResting();
    return false;
  }

  failed(why: string): void {
    reply({ kind: 'failed', why });
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #allResting(): void {
    // Before the first run, the answers are those of the requests that each connection began with.
    if (this.#startedAt === 0) reply({ kind: 'connected' });
    else {
      const elapsedMs = performance.now() - this.#startedAt;
      reply({ kind: 'ran', requests: this.#requests, elapsedMs });
    }
  }
}

function reply(message: GeneratorReply): void {
  process.send?.(message);
}

let generator: Generator | null = null;

function obey(order: GeneratorOrder): void {
  switch (order.kind) {
    case 'connect':
      generator = new Generator(order);
      return;
    case 'run':
      generator?.run(order.durationMs);
      return;
    case 'close':
      generator?.close();
      generator = null;
      reply({ kind: 'closed' });
  }
}

process.on('message', obey);
process.on('disconnect', () => process.exit());
