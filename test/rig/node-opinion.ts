import { createServer, type IncomingMessage, request } from 'node:http';
import { Duplex } from 'node:stream';

/** A message as a parser understood it. */
export interface ReadMessage {
  readonly startLine: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [string, string])[];
}

/** The whole messages that a parser found, and what stopped it; null: the end of the bytes, or of the connection. */
export interface Opinion {
  readonly messages: readonly ReadMessage[];
  readonly error: string | null;
}

/**
 * A connection without a network: gives these bytes, from the first time that somebody writes or at once, and ends a
 * few turns of the loop later, when all of them have been read and acted upon.
 */
class Bytes extends Duplex {
  readonly #bytes: Buffer;
  #isGiven = false;

  constructor(bytes: Buffer) {
    super({ allowHalfOpen: true });
    this.#bytes = bytes;
  }

  give(): void {
    if (this.#isGiven) return;
    this.#isGiven = true;
    this.push(this.#bytes);
    let turns = 5;
    const end = (): void => {
      turns -= 1;
      if (turns > 0) setImmediate(end);
      else this.push(null);
    };
    setImmediate(end);
  }

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    this.give();
    done();
  }

  setTimeout(): this {
    return this;
  }
}

const pairs = (raw: readonly string[]): [string, string][] =>
  Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index]!, raw[2 * index + 1]!]);

const collect = async (message: IncomingMessage, startLine: string): Promise<ReadMessage | null> => {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of message) chunks.push(chunk as Buffer);
  } catch {
    return null;
  }
  if (!message.complete) return null;
  return {
    startLine,
    fields: pairs(message.rawHeaders),
    body: Buffer.concat(chunks),
    trailers: pairs(message.rawTrailers),
  };
};

/** What Node's own server makes of these bytes. */
export const nodeReadsRequests = (bytes: Buffer): Promise<Opinion> =>
  new Promise((resolve) => {
    const messages: Promise<ReadMessage | null>[] = [];
    let error: string | null = null;
    const server = createServer((message, response) => {
      const { method, url, httpVersion } = message;
      messages.push(collect(message, `${method} ${url} HTTP/${httpVersion}`));
      message.on('error', () => {});
      message.on('end', () => response.end());
    });
    const connection = new Bytes(bytes);
    server.on('clientError', (cause: NodeJS.ErrnoException) => {
      error ??= cause.code ?? cause.message;
      connection.destroy();
    });
    connection.on('error', () => {});
    connection.on('close', async () => {
      const whole = await Promise.all(messages);
      resolve({ messages: whole.filter((message) => message !== null), error });
    });
    server.emit('connection', connection);
    connection.give();
  });

/** What Node's own client makes of these bytes as the answer to a GET. */
export const nodeReadsResponse = (bytes: Buffer): Promise<Opinion> =>
  new Promise((resolve) => {
    const connection = new Bytes(bytes);
    let read: Promise<ReadMessage | null> = Promise.resolve(null);
    let error: string | null = null;
    const outgoing = request({ createConnection: () => connection as never });
    outgoing.on('error', (cause: NodeJS.ErrnoException) => {
      error ??= cause.code ?? cause.message;
    });
    outgoing.on('response', (message) => {
      message.on('error', () => {});
      const { statusCode, statusMessage, httpVersion } = message;
      read = collect(message, `HTTP/${httpVersion} ${statusCode} ${statusMessage}`);
    });
    outgoing.on('close', async () => {
      const message = await read;
      resolve({ messages: message === null ? [] : [message], error });
    });
    outgoing.end();
  });
