import { once } from 'node:events';
import { Agent, createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import CircuitBreaker from 'opossum';
import type { Owner, RigAddress } from './owner.ts';
import { type RigProcess, startRigProcess, takeOrders } from './rig-process.ts';

/** How long the event loop made others wait since the last question, in ms. */
export interface LoopDelay {
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** How often the delay is looked at; what is measured contains this once. */
export const DELAY_RESOLUTION_MS = 10;

/** A proxy as it comes from the manual: Node's server and client, and opossum with its defaults around every call. */
export class NaiveBreakerProxy {
  readonly address: RigAddress;
  readonly #process: RigProcess<'delay'>;

  constructor(address: RigAddress, process: RigProcess<'delay'>) {
    this.address = address;
    this.#process = process;
  }

  loopDelay(): Promise<LoopDelay> {
    return this.#process.ask('delay');
  }
}

/** `breakers`: how many there are; only the first is used. */
export const startNaiveBreakerProxy = async (
  owner: Owner,
  target: RigAddress,
  breakers: number,
): Promise<NaiveBreakerProxy> => {
  const { process, ready } = await startRigProcess<'delay', RigAddress>(owner, import.meta.filename, [
    JSON.stringify(target),
    String(breakers),
  ]);
  return new NaiveBreakerProxy(ready, process);
};

const takeDelay = (histogram: ReturnType<typeof monitorEventLoopDelay>): LoopDelay => {
  const delay = {
    p99Ms: histogram.percentile(99) / 1e6 - DELAY_RESOLUTION_MS,
    maxMs: histogram.max / 1e6 - DELAY_RESOLUTION_MS,
  };
  histogram.reset();
  return delay;
};

const serve = async (target: RigAddress, breakers: number): Promise<void> => {
  const agent = new Agent({ keepAlive: true });
  const call = (response: ServerResponse): Promise<void> =>
    new Promise((resolve, reject) => {
      const outgoing = request({ ...target, agent }, (incoming) => {
        response.statusCode = incoming.statusCode ?? 502;
        incoming.pipe(response);
        if (response.statusCode < 500) resolve();
        else reject(new Error('the upstream failed'));
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  // More failures than this must come before it opens: the question is what counting costs, not what opening saves.
  const options = { errorThresholdPercentage: 90 };
  const all = Array.from({ length: breakers }, () => new CircuitBreaker(call, options));
  const server = createServer((_request, response) => {
    all[0]!.fire(response).catch(() => {
      if (!response.headersSent) response.writeHead(503).end();
    });
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const histogram = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS });
  histogram.enable();
  takeOrders({ host: '127.0.0.1', port } satisfies RigAddress, () => takeDelay(histogram));
};

if (import.meta.main) await serve(JSON.parse(process.argv[2]!) as RigAddress, Number(process.argv[3]));
