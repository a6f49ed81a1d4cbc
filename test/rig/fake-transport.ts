import { HeadScanner } from '../../src/http1/head-scanner.ts';
import { ResponseHead } from '../../src/http1/response-head.ts';
import { type Outcome, success } from '../../src/policy/outcome.ts';
import type { Endpoint } from '../../src/upstream/endpoint.ts';
import type { Attempt, OutgoingRequest, ResponseSink, Transport } from '../../src/upstream/transport.ts';

const headBounds = { lineBytes: 8192, headBytes: 65_536, fields: 200 };

const readHead = (text: string, method: string): ResponseHead => {
  const scanner = new HeadScanner('response', headBounds);
  const bytes = Buffer.from(text, 'latin1');
  if (scanner.scan(bytes, 0, bytes.length) !== 'complete') throw new Error(`no response head: ${text}`);
  const head = new ResponseHead(scanner, text);
  const violation = head.interpret(scanner, method);
  if (violation !== null) throw new Error(`a response head that breaks ${violation.rule}`);
  return head;
};

/** An attempt that does what the test says, when the test says it. It keeps the contract of the seam and checks it. */
export class FakeAttempt implements Attempt {
  readonly endpoint: Endpoint;
  readonly request: OutgoingRequest;
  readonly received: string[] = [];
  state: 'prepared' | 'started' | 'ended' | 'discarded' = 'prepared';
  isPaused = false;
  /** What it was aborted with; null: it was not. */
  abortedWith: Outcome | null = null;
  readonly #sink: ResponseSink;
  readonly #onStart: (attempt: FakeAttempt) => void;
  #answered = 0;

  constructor(
    endpoint: Endpoint,
    request: OutgoingRequest,
    sink: ResponseSink,
    onStart: (attempt: FakeAttempt) => void,
  ) {
    this.endpoint = endpoint;
    this.request = request;
    this.#sink = sink;
    this.#onStart = onStart;
  }

  start(): void {
    if (this.state !== 'prepared') throw new Error(`start of an attempt that has ${this.state}`);
    this.state = 'started';
    this.#onStart(this);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  abort(outcome: Outcome): void {
    if (this.state !== 'started') return;
    this.abortedWith = outcome;
    this.end(outcome);
  }

  discard(): void {
    if (this.state === 'started') this.state = 'discarded';
    this.#letGoOfBody();
  }

  /** The connection is there: what the client sends flows. */
  connect(connectMs = 0): void {
    this.#mustRun('connect');
    this.#sink.connected(connectMs);
    this.request.body?.attach(this);
  }

  bodyData(chunk: Buffer): void {
    this.received.push(chunk.toString('latin1'));
  }

  bodyEnd(): void {
    this.received.push('(end)');
  }

  /** An informational head, by its status line. */
  inform(statusLine: string): void {
    this.#mustRun('inform');
    this.#sink.informational(readHead(`HTTP/1.1 ${statusLine}\r\n\r\n`, this.request.method));
  }

  /** The final head. `fields`: lines without their ends. */
  head(status: number, fields: readonly string[] = ['Content-Length: 2']): void {
    this.#mustRun('head');
    this.#answered = status;
    const lines = [`HTTP/1.1 ${status} Said`, ...fields].map((line) => `${line}\r\n`);
    this.#sink.head(readHead(`${lines.join('')}\r\n`, this.request.method));
  }

  data(text: string): void {
    this.#mustRun('data');
    if (this.isPaused) throw new Error('data while paused');
    this.#sink.data(Buffer.from(text, 'latin1'));
    this.#sink.flush();
  }

  /** Bytes came that are no content: part of a head, or what stands around chunks. */
  readNothing(): void {
    this.#mustRun('readNothing');
    this.#sink.flush();
  }

  /** The end: a complete answer, or what broke it off. */
  end(outcome: Outcome = success(this.#answered)): void {
    this.#mustRun('end');
    this.state = 'ended';
    this.#letGoOfBody();
    this.#sink.end(outcome, '');
  }

  /** A whole answer with the content `ok`; where it is held back, only its head. */
  answer(status: number, fields?: readonly string[]): void {
    this.head(status, fields);
    if (this.isPaused || this.state !== 'started') return;
    this.data('ok');
    this.end();
  }

  #letGoOfBody(): void {
    this.request.body?.detach(this);
  }

  #mustRun(what: string): void {
    if (this.state !== 'started') throw new Error(`${what} of an attempt that has ${this.state}`);
  }
}

/** A transport without a wire: the test holds every attempt in its hands. */
export class FakeTransport implements Transport {
  readonly attempts: FakeAttempt[] = [];
  /** What an attempt does as soon as it is started, before `start` returns. */
  onStart: (attempt: FakeAttempt) => void = () => {};

  prepare(endpoint: Endpoint, request: OutgoingRequest, sink: ResponseSink): FakeAttempt {
    const attempt = new FakeAttempt(endpoint, request, sink, (started) => this.onStart(started));
    this.attempts.push(attempt);
    return attempt;
  }

  /** The attempt of that number; negative: counted from the last. */
  at(index: number): FakeAttempt {
    const attempt = this.attempts.at(index);
    if (attempt === undefined) throw new Error(`there are ${this.attempts.length} attempts`);
    return attempt;
  }

  get last(): FakeAttempt {
    return this.at(-1);
  }
}
