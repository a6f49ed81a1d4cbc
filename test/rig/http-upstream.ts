import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Signal } from './eventually.ts';
import type { Owner } from './owner.ts';

/** One request as an ordinary server saw it. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly bodyBytes: number;
  /** SHA-256 of the body, in hex. */
  readonly bodyHash: string;
}

export type Answer = (call: Call, response: ServerResponse, request: IncomingMessage) => unknown;

/** SHA-256 in hex. */
export const hashOf = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

/** An ordinary server that counts, hashes what it is sent, and knows how many calls it had at the same time. */
export class HttpUpstream {
  readonly calls: Call[] = [];
  readonly changed = new Signal();
  readonly server: Server;
  /** Answers a call whose body has come whole. */
  answer: Answer;
  /** Calls that were begun; those under way; the most at the same time; those whose client left before the answer's end. */
  begun = 0;
  inFlight = 0;
  maxInFlight = 0;
  aborted = 0;
  connections = 0;

  constructor(answer: Answer) {
    this.answer = answer;
    this.server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      void this.#serve(request, response);
    });
    this.server.on('connection', () => {
      this.connections += 1;
    });
  }

  get port(): number {
    return (this.server.address() as { port: number }).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Waits until so many calls have begun. */
  async hasBegun(calls: number): Promise<void> {
    await this.changed.until(() => (this.begun >= calls ? true : null));
  }

  /** Stops listening and cuts what is open. */
  async stop(): Promise<void> {
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.begun += 1;
    this.inFlight += 1;
    this.maxInFlight = Math.max(this.maxInFlight, this.inFlight);
    response.on('close', () => {
      this.inFlight -= 1;
      if (!response.writableFinished) this.aborted += 1;
      this.changed.raise();
    });
    this.changed.raise();
    const hash = createHash('sha256');
    let bodyBytes = 0;
    try {
      for await (const chunk of request as AsyncIterable<Buffer>) {
        hash.update(chunk);
        bodyBytes += chunk.length;
      }
    } catch {
      return;
    }
    const { method = '', url = '', headers } = request;
    const call = { method, path: url, headers, bodyBytes, bodyHash: hash.digest('hex') };
    this.calls.push(call);
    this.changed.raise();
    await this.answer(call, response, request);
  }
}

/** A gate for answers: calls wait at it until the test opens it. */
export class Held {
  #open = Promise.withResolvers<void>();

  release(): void {
    this.#open.resolve();
  }

  /** Resolves when it is open. */
  get opened(): Promise<void> {
    return this.#open.promise;
  }

  /** An answer that waits here first. */
  readonly answer: Answer = async (_call, response) => {
    await this.opened;
    response.end('held');
  };
}

export const startHttpUpstream = async (
  owner: Owner,
  answer: Answer = (_call, response) => response.end('ok'),
  port = 0,
): Promise<HttpUpstream> => {
  const upstream = new HttpUpstream(answer);
  upstream.server.listen({ host: '127.0.0.1', port });
  owner.after(() => upstream.stop());
  await once(upstream.server, 'listening');
  return upstream;
};
