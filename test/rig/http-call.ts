import { Agent, type IncomingHttpHeaders, request } from 'node:http';
import type { Owner, RigAddress } from './owner.ts';

export interface CallOptions {
  readonly method?: string;
  readonly path?: string;
  /** Name that the upstream is called by. */
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly signal?: AbortSignal;
}

/** How a call ended for an ordinary client: an answer, or a broken connection. */
export type CallResult =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: IncomingHttpHeaders;
      readonly body: Buffer;
    }
  | { readonly kind: 'broken'; readonly code: string };

/** Node's own HTTP client, pointed at the proxy by `Host`. */
export class HttpCaller {
  readonly #address: RigAddress;
  readonly #agent: Agent;

  constructor(address: RigAddress, maxSockets = Number.POSITIVE_INFINITY, keepAlive = true) {
    this.#address = address;
    this.#agent = new Agent({ keepAlive, maxSockets });
  }

  call(options: CallOptions = {}): Promise<CallResult> {
    const { method = 'GET', path = '/', host = 'u.test', headers = {}, body, signal } = options;
    return new Promise((resolve) => {
      const outgoing = request({
        ...this.#address,
        agent: this.#agent,
        method,
        path,
        headers: { host, ...headers },
        ...(signal === undefined ? {} : { signal }),
      });
      const broken = (error: NodeJS.ErrnoException): void =>
        resolve({ kind: 'broken', code: error.code ?? error.message });
      outgoing.on('error', broken);
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', broken);
        incoming.on('end', () =>
          resolve({
            kind: 'answer',
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks),
          }),
        );
      });
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** A caller whose connections go with their owner. `keepAlive` false: each call opens one of its own. */
export const makeCaller = (
  owner: Owner,
  address: RigAddress,
  maxSockets?: number,
  keepAlive?: boolean,
): HttpCaller => {
  const caller = new HttpCaller(address, maxSockets, keepAlive);
  owner.after(() => caller.close());
  return caller;
};

/** The answer's status; for a broken connection its code. */
export const statusOrCode = (result: CallResult): number | string =>
  result.kind === 'answer' ? result.status : result.code;
