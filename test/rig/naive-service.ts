import { once } from 'node:events';
import { Agent, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Owner, RigAddress } from './owner.ts';
import { startRigProcess, takeOrders } from './rig-process.ts';
import { type CallEnd, type CallTarget, timedCall } from './timed-call.ts';

export interface NaiveServiceOptions {
  /** What it calls for each of its requests, all at the same time; each with its replicas, which take turns. */
  readonly calls: readonly (readonly CallTarget[])[];
  /** Of each try. */
  readonly timeoutMs: number;
  /** Tries after the first, at once and without limit. */
  readonly retries: number;
  /** How many of the answers must come from who was asked, and not from somebody in its place; default: none. */
  readonly realAnswers?: number;
}

/**
 * A service as most are written: it calls others with Node's own client, tries again at once, and goes on for a client that
 * has left. It answers 200 when every call was answered with 200; otherwise with the status that a call got, or with 504
 * or 502.
 */
export const startNaiveService = async (owner: Owner, options: NaiveServiceOptions): Promise<RigAddress> => {
  const args = [JSON.stringify(options)];
  const { ready } = await startRigProcess<never, RigAddress>(owner, import.meta.filename, args);
  return ready;
};

const agent = new Agent({ keepAlive: true, maxFreeSockets: 2000 });

const callOnce = (target: CallTarget, timeoutMs: number): Promise<CallEnd> =>
  new Promise((resolve) => {
    timedCall(agent, target, { method: 'GET', path: '/', headers: {}, bodyBytes: 0, timeoutMs }, resolve);
  });

/** The service, in its process. */
class Service {
  readonly #options: NaiveServiceOptions;
  #turn = 0;

  constructor(options: NaiveServiceOptions) {
    this.#options = options;
  }

  /** The status of the answer. */
  async serve(): Promise<number> {
    const { calls, realAnswers = 0 } = this.#options;
    const ends = await Promise.all(calls.map((replicas) => this.#call(replicas)));
    const failed = ends.find(({ result }) => result !== '200');
    if (failed !== undefined) return failed.result === 'timeout' ? 504 : Number(failed.result) || 502;
    return ends.filter(({ isOwnAnswer }) => !isOwnAnswer).length < realAnswers ? 502 : 200;
  }

  async #call(replicas: readonly CallTarget[]): Promise<CallEnd> {
    const { timeoutMs, retries } = this.#options;
    for (let left = retries; ; left -= 1) {
      this.#turn += 1;
      const end = await callOnce(replicas[this.#turn % replicas.length]!, timeoutMs);
      if (end.result === '200' || left === 0) return end;
    }
  }
}

if (import.meta.main) {
  const service = new Service(JSON.parse(process.argv[2]!) as NaiveServiceOptions);
  const server = createServer({ keepAliveTimeout: 600_000 }, async (request, response) => {
    request.resume();
    response.statusCode = await service.serve();
    response.end('ok');
  });
  server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  takeOrders({ host: '127.0.0.1', port } satisfies RigAddress, () => null);
}
