import { connect, type Socket } from 'node:net';

/** Between two requests of a connection that waits for the first answer as it should be. */
const patienceMs = 20;

const headEnd = Buffer.from('\r\n\r\n');

/** One read buffer is enough: what a read brings is consumed before the next. */
const readBuffer = Buffer.allocUnsafe(256 * 1024);

/** What the connections report to. */
export interface Load {
  /** The next one. */
  readonly request: string;
  /** As it stands in the answer. */
  readonly status: string;
  /** Another one that is an answer too. */
  readonly tolerated: string;
  readonly bodyBytes: number;
  readonly isKept: boolean;
  /** True until the first run, where failures are wanted: the proxy must first find out that its upstream is gone. */
  readonly isWarmingUp: boolean;
  /** An answer is complete. False: the connection is to rest. */
  answered(client: BenchClient): boolean;
  failed(why: string): void;
}

/** A connection with at most one request under way, as cheap as it can be. */
export class BenchClient {
  readonly #load: Load;
  readonly #port: number;
  #socket: Socket;
  #head = '';
  #isInBody = false;
  /** Content that is still to come. */
  #missing = 0;
  #isEarly = false;
  /** True: its last answer was one that is only tolerated. */
  hasFailed = false;
  /** When its request was due, on the monotonic clock: whoever counts time sets and reads it. */
  dueAt = 0;

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
    const { status, tolerated, bodyBytes, isWarmingUp } = this.#load;
    const isOther = head !== '' && head.slice(9, 12) !== status;
    this.hasFailed = isOther && head.slice(9, 12) === tolerated;
    this.#isEarly = isOther && !this.hasFailed;
    if (this.#isEarly && !isWarmingUp) this.#refused(head);
    this.#isInBody = true;
    this.#missing = (isOther || bodyBytes < 0 ? lengthIn(head) : bodyBytes) - receivedBytes;
    if (Number.isNaN(this.#missing)) this.#load.failed(`an answer without a length: ${head}`);
  }

  #refused(head: string): void {
    this.#load.failed(`unexpected answer: ${head.split('\r\n', 1)[0]}`);
  }

  #complete(): void {
    this.#isInBody = false;
    if (this.#isEarly) setTimeout(() => this.send(), patienceMs);
    else if (this.#missing < 0) this.#load.failed('answer longer than expected');
    else if (this.#load.answered(this)) {
      if (this.#load.isKept) this.send();
      else this.sendAfresh();
    }
  }
}

/** What the head of an answer says of its content. */
function lengthIn(head: string): number {
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  return length === undefined ? Number.NaN : Number(length);
}
