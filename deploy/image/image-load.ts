import { Agent, createServer, request, type Server, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface Call {
  readonly port: number;
  /** A path, or for a proxy a whole URL. */
  readonly target: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly agent?: Agent;
}

/** One request to a port of this machine. */
export const call = ({ port, target, body, agent, ...rest }: Call): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, path: target, agent, ...rest }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

/** Asks again and again, for 60 s, until something is so. */
export const until = async (what: string, isSo: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + 60_000;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`waited in vain: ${what}`);
    await wait(20);
  }
};

/** An upstream that answers GET at once and keeps everything else waiting, its content received, until told otherwise. */
export class HoldingUpstream {
  readonly #server: Server;
  readonly #held: ServerResponse[] = [];
  /** Requests whose content has come whole, since the start. */
  received = 0;
  #isHolding = true;

  constructor() {
    this.#server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
      if (incoming.method === 'GET') {
        response.end('x'.repeat(2048));
        return;
      }
      incoming.resume().once('end', () => {
        this.received += 1;
        if (this.#isHolding) this.#held.push(response);
        else response.writeHead(503).end();
      });
      incoming.on('error', () => {});
    });
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return (this.#server.address() as { port: number }).port;
  }

  /** Answers what waits, and everything from now on, with 503: each of them could be tried again. */
  release(): void {
    this.#isHolding = false;
    for (const response of this.#held.splice(0)) response.writeHead(503).end();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** So many requests through a proxy over so many kept connections, one after the other on each. The statuses other than 200. */
export const plainLoad = async (
  port: number,
  url: string,
  requests: number,
  connections: number,
): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let left = requests;
  let failed = 0;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      if ((await call({ port, target: url, agent, headers: { host: 'u' } })).status !== 200) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return failed;
};
