import { Agent } from 'node:http';
import { type LoadRecord, LoadRecords } from './load-records.ts';
import type { Owner } from './owner.ts';
import { type RigProcess, startRigProcess, takeOrders } from './rig-process.ts';
import { type CallTarget, type TimedCall, timedCall } from './timed-call.ts';

export interface LoadOptions {
  readonly target: CallTarget;
  readonly ratePerSecond: number;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Content of so many bytes; default none. */
  readonly bodyBytes?: number;
  /** Of each try, to the last byte of its answer; default 10 s. */
  readonly timeoutMs?: number;
  /** Tries after the first, at once and without limit: the naive client. Default 0. */
  readonly retries?: number;
  /** An answer with 200 that comes later, counted from the due time, is not good; default: never too late. */
  readonly deadlineMs?: number;
  /** Requests under way at the same time; those beyond are not sent and count as `not_sent`. Default 2,000. */
  readonly maxInFlight?: number;
}

type GeneratorOrder =
  | { readonly kind: 'begin'; readonly load: number; readonly options: LoadOptions }
  | { readonly kind: 'rate'; readonly load: number; readonly ratePerSecond: number }
  | { readonly kind: 'records'; readonly load: number }
  | { readonly kind: 'end'; readonly load: number };

/** A load that is under way in the generator's process. */
export class Load {
  readonly #process: RigProcess<GeneratorOrder>;
  readonly #load: number;
  readonly #deadlineMs: number;
  readonly #beganAt: number;

  constructor(process: RigProcess<GeneratorOrder>, load: number, deadlineMs: number, beganAt: number) {
    this.#process = process;
    this.#load = load;
    this.#deadlineMs = deadlineMs;
    this.#beganAt = beganAt;
  }

  /** Now, in ms after the load began: the scale of {@link LoadRecord.dueMs}. */
  get elapsedMs(): number {
    return Date.now() - this.#beganAt;
  }

  /** Requests per second from now on; 0: a pause. */
  async setRate(ratePerSecond: number): Promise<void> {
    await this.#process.ask({ kind: 'rate', load: this.#load, ratePerSecond });
  }

  /** What has ended so far. */
  records(): Promise<LoadRecords> {
    return this.#ask('records');
  }

  /** Sends no more, waits for what is under way, and tells of all. */
  end(): Promise<LoadRecords> {
    return this.#ask('end');
  }

  async #ask(kind: 'records' | 'end'): Promise<LoadRecords> {
    const records = await this.#process.ask<LoadRecord[]>({ kind, load: this.#load });
    return new LoadRecords(
      records.sort((a, b) => a.dueMs - b.dueMs),
      this.#deadlineMs,
    );
  }
}

/**
 * Clients in a process of their own. Each request leaves when it is due, whatever became of the earlier ones, and its time
 * counts from then on: a system that stalls cannot hide by slowing its clients down.
 */
export class LoadGenerator {
  readonly #process: RigProcess<GeneratorOrder>;
  #loads = 0;

  constructor(process: RigProcess<GeneratorOrder>) {
    this.#process = process;
  }

  /** Begins a load; several may run at the same time. */
  async begin(options: LoadOptions): Promise<Load> {
    this.#loads += 1;
    const load = this.#loads;
    const beganAt = await this.#process.ask<number>({ kind: 'begin', load, options });
    return new Load(this.#process, load, options.deadlineMs ?? Number.POSITIVE_INFINITY, beganAt);
  }
}

export const startLoadGenerator = async (owner: Owner): Promise<LoadGenerator> => {
  const { process } = await startRigProcess<GeneratorOrder, null>(owner, import.meta.filename);
  return new LoadGenerator(process);
};

const agent = new Agent({ keepAlive: true, maxFreeSockets: 2000 });

/** A load as the generator's process runs it. */
class RunningLoad {
  readonly beganAt = Date.now();
  readonly records: LoadRecord[] = [];
  readonly #options: LoadOptions;
  readonly #call: TimedCall;
  readonly #startedAt = performance.now();
  readonly #ticks: NodeJS.Timeout;
  readonly #allEnded = Promise.withResolvers<void>();
  #intervalMs: number;
  /** When the next request is due, on the scale of {@link LoadRecord.dueMs}. */
  #nextDueMs = 0;
  #inFlight = 0;
  #isEnding = false;

  constructor(options: LoadOptions) {
    const { method = 'GET', path = '/', headers = {}, bodyBytes = 0, timeoutMs = 10_000 } = options;
    this.#options = options;
    this.#call = { method, path, headers, bodyBytes, timeoutMs };
    this.#intervalMs = 1000 / options.ratePerSecond;
    this.#ticks = setInterval(() => this.#tick(), 1);
  }

  setRate(ratePerSecond: number): void {
    this.#tick();
    this.#intervalMs = 1000 / ratePerSecond;
    this.#nextDueMs = this.#nowMs() + this.#intervalMs;
  }

  async end(): Promise<void> {
    this.#tick();
    clearInterval(this.#ticks);
    this.#isEnding = true;
    if (this.#inFlight > 0) await this.#allEnded.promise;
  }

  #tick(): void {
    const nowMs = this.#nowMs();
    for (; this.#nextDueMs <= nowMs; this.#nextDueMs += this.#intervalMs) this.#send(this.#nextDueMs);
  }

  #send(dueMs: number): void {
    const { retries = 0, maxInFlight = 2000 } = this.#options;
    const lateMs = this.#nowMs() - dueMs;
    if (this.#inFlight >= maxInFlight) {
      this.records.push({ dueMs, tookMs: lateMs, lateMs, result: 'not_sent' });
      return;
    }
    this.#inFlight += 1;
    this.#try(retries, (result) => {
      this.records.push({ dueMs, tookMs: this.#nowMs() - dueMs, lateMs, result });
      this.#inFlight -= 1;
      if (this.#isEnding && this.#inFlight === 0) this.#allEnded.resolve();
    });
  }

  #try(retriesLeft: number, ended: (result: string) => void): void {
    timedCall(agent, this.#options.target, this.#call, ({ result }) => {
      const isError = !/^[1-4]\d\d$/.test(result);
      if (isError && retriesLeft > 0) this.#try(retriesLeft - 1, ended);
      else ended(result);
    });
  }

  #nowMs(): number {
    return performance.now() - this.#startedAt;
  }
}

if (import.meta.main) {
  const loads = new Map<number, RunningLoad>();
  takeOrders(null, async (order: GeneratorOrder) => {
    if (order.kind === 'begin') {
      const load = new RunningLoad(order.options);
      loads.set(order.load, load);
      return load.beganAt;
    }
    const load = loads.get(order.load)!;
    if (order.kind === 'rate') load.setRate(order.ratePerSecond);
    if (order.kind === 'end') await load.end();
    return order.kind === 'rate' ? null : load.records;
  });
}
