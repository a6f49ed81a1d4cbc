import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Owner, RigAddress } from './owner.ts';
import { type RigProcess, startRigProcess, takeOrders } from './rig-process.ts';

/** How the simulated service works. */
export type Behaviour =
  /** One worker, first come first served, so long for each: its capacity is 1000 ÷ `serviceMs` a second. */
  | { readonly kind: 'queue'; readonly serviceMs: number }
  /** Everybody at the same time, so long each. */
  | { readonly kind: 'parallel'; readonly delayMs: number }
  /** Takes requests and never answers. */
  | { readonly kind: 'silent' };

export interface SimulatorState {
  readonly behaviour: Behaviour;
  /** So many percent of the answers have `errorStatus`; default 0. */
  readonly errorPercent?: number;
  /** Default 503. */
  readonly errorStatus?: number;
}

/** What the service has done so far. */
export interface SimulatorCounts {
  readonly arrived: number;
  /** Answers that somebody still waited for. */
  readonly served: number;
  /** Answers that were worked out for a client that had left. */
  readonly servedToNobody: number;
  /** Of `served` and `servedToNobody`: those with the error status. */
  readonly errors: number;
  /** Requests that wait for the worker or are under way. */
  readonly waiting: number;
}

type SimulatorOrder = { readonly kind: 'set'; readonly state: SimulatorState } | { readonly kind: 'counts' };

/**
 * A service with an artificial capacity, so that it and not the machine is the limit. It is the worst kind: it does not
 * notice that a client has left, and works for it all the same.
 */
export class QueueSimulator {
  readonly address: RigAddress;
  readonly process: RigProcess<SimulatorOrder>;

  constructor(address: RigAddress, process: RigProcess<SimulatorOrder>) {
    this.address = address;
    this.process = process;
  }

  /** `host:port`, as the configuration has it. */
  get endpoint(): string {
    return `${this.address.host}:${this.address.port}`;
  }

  /** How it works from now on; the request that its worker is at keeps its time. */
  async set(behaviour: Behaviour, errors: Omit<SimulatorState, 'behaviour'> = {}): Promise<void> {
    await this.process.ask({ kind: 'set', state: { behaviour, ...errors } });
  }

  counts(): Promise<SimulatorCounts> {
    return this.process.ask({ kind: 'counts' });
  }
}

export const startQueueSimulator = async (
  owner: Owner,
  behaviour: Behaviour,
  port = 0,
): Promise<QueueSimulator> => {
  const started = await startRigProcess<SimulatorOrder, RigAddress>(owner, import.meta.filename, [
    String(port),
  ]);
  const simulator = new QueueSimulator(started.ready, started.process);
  await simulator.set(behaviour);
  return simulator;
};

/** A request that came; `response` is null once its client has left. */
interface Work {
  response: ServerResponse | null;
  readonly arrivedAt: number;
}

/** The service, in its process. */
class Service {
  #state: SimulatorState = { behaviour: { kind: 'silent' } };
  #queue: Work[] = [];
  /** The first in the queue that has not been served; what is before it is dropped now and then. */
  #head = 0;
  /** When the worker ends what it is at; 0: it rests. */
  #doneAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #arrived = 0;
  #served = 0;
  #servedToNobody = 0;
  #errors = 0;

  set(state: SimulatorState): void {
    this.#state = state;
    this.#work();
  }

  get counts(): SimulatorCounts {
    return {
      arrived: this.#arrived,
      served: this.#served,
      servedToNobody: this.#servedToNobody,
      errors: this.#errors,
      waiting: this.#arrived - this.#served - this.#servedToNobody,
    };
  }

  take(response: ServerResponse): void {
    const { behaviour } = this.#state;
    const work: Work = { response, arrivedAt: performance.now() };
    // The work stays although its client has left; the connection need not.
    response.on('close', () => {
      work.response = null;
    });
    this.#arrived += 1;
    if (behaviour.kind === 'parallel') setTimeout(() => this.#serve(work), behaviour.delayMs);
    else this.#queue.push(work);
    if (behaviour.kind === 'queue' && this.#doneAt === 0) this.#work();
  }

  /** Timers are late; the worker is not: it goes on from the moment at which it was done. */
  #work(): void {
    const { behaviour } = this.#state;
    if (behaviour.kind !== 'queue') return;
    const now = performance.now();
    for (; this.#head < this.#queue.length; this.#head += 1) {
      const work = this.#queue[this.#head]!;
      if (this.#doneAt === 0) this.#doneAt = work.arrivedAt + behaviour.serviceMs;
      if (this.#doneAt > now) break;
      this.#serve(work);
      const next = this.#queue[this.#head + 1];
      this.#doneAt = next === undefined ? 0 : Math.max(this.#doneAt, next.arrivedAt) + behaviour.serviceMs;
    }
    if (this.#head > 1000) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    clearTimeout(this.#timer);
    if (this.#doneAt > 0) this.#timer = setTimeout(() => this.#work(), Math.max(0, this.#doneAt - now));
  }

  #serve(work: Work): void {
    const { errorPercent = 0, errorStatus = 503 } = this.#state;
    const isError = Math.random() * 100 < errorPercent;
    if (isError) this.#errors += 1;
    if (work.response === null) {
      this.#servedToNobody += 1;
      return;
    }
    this.#served += 1;
    work.response.statusCode = isError ? errorStatus : 200;
    work.response.end('ok');
  }
}

if (import.meta.main) {
  const service = new Service();
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    request.resume();
    service.take(response);
  });
  server.listen({ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096 });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  takeOrders({ host: '127.0.0.1', port } satisfies RigAddress, (order: SimulatorOrder) => {
    if (order.kind === 'counts') return service.counts;
    service.set(order.state);
    return null;
  });
}
