/**
 * The clients, as cheap as they can be: connections that each send the next request when the answer is complete, on
 * themselves or on a connection that takes their place, or that send at a steady rate. A program of its own, so that it
 * can be pinned; it takes orders from the bench and answers each one.
 */

import { percentile } from '../rig/percentile.ts';
import { BenchClient, type Load } from './bench-client.ts';
import type { ConnectOrder, GeneratorOrder, GeneratorReply } from './rig-messages.ts';

/** Requests one after the other, and then from the first again. */
class Turn {
  readonly #requests: readonly string[];
  #sent = 0;

  constructor(requests: readonly string[]) {
    this.#requests = requests;
  }

  next(): string {
    const request = this.#requests[this.#sent]!;
    this.#sent++;
    if (this.#sent === this.#requests.length) this.#sent = 0;
    return request;
  }
}

/** Every connection has one request under way all the time. */
class ClosedLoad implements Load {
  readonly status: string;
  readonly tolerated: string;
  readonly bodyBytes: number;
  readonly isKept: boolean;
  readonly #clients: BenchClient[] = [];
  readonly #turn: Turn;
  #resting = 0;
  #isRunning = false;
  #requests = 0;
  #failures = 0;
  #startedAt = 0;

  constructor({ port, connections, requests, status, tolerated, bodyBytes, isKept }: ConnectOrder) {
    this.#turn = new Turn(requests);
    this.tolerated = String(tolerated);
    this.status = String(status);
    this.bodyBytes = bodyBytes;
    this.isKept = isKept;
    for (let i = 0; i < connections; i++) this.#clients.push(new BenchClient(port, this));
  }

  get request(): string {
    return this.#turn.next();
  }

  get isWarmingUp(): boolean {
    return this.#startedAt === 0 && this.status !== '200';
  }

  run(durationMs: number): void {
    this.#isRunning = true;
    this.#requests = 0;
    this.#failures = 0;
    this.#resting = 0;
    this.#startedAt = performance.now();
    setTimeout(() => {
      this.#isRunning = false;
    }, durationMs);
    for (const client of this.#clients) client.send();
  }

  answered({ hasFailed }: BenchClient): boolean {
    this.#requests++;
    if (hasFailed) this.#failures++;
    if (this.#isRunning) return true;
    this.#resting++;
    if (this.#resting === this.#clients.length) this.#allResting();
    return false;
  }

  failed(why: string): void {
    reply({ kind: 'failed', why });
  }

  close(): void {
    for (const client of this.#clients) client.close();
  }

  #allResting(): void {
    // Before the first run, the answers are those of the requests that each connection began with.
    if (this.#startedAt === 0) reply({ kind: 'connected' });
    else {
      const elapsedMs = performance.now() - this.#startedAt;
      reply({
        kind: 'ran',
        requests: this.#requests,
        failures: this.#failures,
        elapsedMs,
        latency: null,
      });
    }
  }
}

/** Requests leave at a steady rate, whatever became of the earlier ones; their time counts from when they were due. */
class PacedLoad implements Load {
  readonly status: string;
  readonly tolerated: string;
  readonly bodyBytes: number;
  readonly isKept = true;
  readonly isWarmingUp = false;
  readonly #all: BenchClient[] = [];
  readonly #free: BenchClient[] = [];
  /** When those were due that no connection was free for. */
  readonly #late: number[] = [];
  readonly #perSecond: number;
  readonly #turn: Turn;
  #tookMs: number[] = [];
  #failures = 0;
  #startedAt = 0;
  #underWay = 0;
  #isRunning = false;

  constructor(order: ConnectOrder, perSecond: number) {
    const { port, connections, requests, status, tolerated, bodyBytes } = order;
    this.#perSecond = perSecond;
    this.#turn = new Turn(requests);
    this.tolerated = String(tolerated);
    this.status = String(status);
    this.bodyBytes = bodyBytes;
    this.#underWay = connections;
    for (let i = 0; i < connections; i++) this.#all.push(new BenchClient(port, this));
  }

  get request(): string {
    return this.#turn.next();
  }

  run(durationMs: number): void {
    this.#isRunning = true;
    this.#tookMs = [];
    this.#failures = 0;
    this.#startedAt = performance.now();
    let sent = 0;
    const tick = (): void => {
      const now = performance.now();
      const elapsedMs = Math.min(now - this.#startedAt, durationMs);
      for (const due = Math.floor((elapsedMs * this.#perSecond) / 1000); sent < due; sent++) this.#begin(now);
      if (elapsedMs < durationMs) setTimeout(tick, 1);
      else this.#isRunning = false;
      if (!this.#isRunning && this.#underWay === 0) this.#over();
    };
    tick();
  }

  answered(client: BenchClient): boolean {
    const now = performance.now();
    if (client.hasFailed) this.#failures++;
    else if (client.dueAt > 0) this.#tookMs.push(now - client.dueAt);
    const late = this.#late.shift();
    if (late !== undefined) {
      client.dueAt = late;
      return true;
    }
    this.#underWay--;
    this.#free.push(client);
    if (this.#underWay > 0 || this.#isRunning) return false;
    if (client.dueAt === 0) reply({ kind: 'connected' });
    else this.#over();
    return false;
  }

  failed(why: string): void {
    reply({ kind: 'failed', why });
  }

  close(): void {
    for (const client of this.#all) client.close();
  }

  #begin(dueAt: number): void {
    // In turn: one that rests for as long as others are enough would be closed by the proxy at last.
    const client = this.#free.shift();
    if (client === undefined) {
      this.#late.push(dueAt);
      return;
    }
    this.#underWay++;
    client.dueAt = dueAt;
    client.send();
  }

  #over(): void {
    const of = (percent: number): number => percentile(this.#tookMs, percent);
    reply({
      kind: 'ran',
      requests: this.#tookMs.length + this.#failures,
      failures: this.#failures,
      elapsedMs: performance.now() - this.#startedAt,
      latency: this.#tookMs.length === 0 ? null : { p50: of(50), p90: of(90), p99: of(99) },
    });
  }
}

function reply(message: GeneratorReply): void {
  process.send?.(message);
}

let load: ClosedLoad | PacedLoad | null = null;

function obey(order: GeneratorOrder): void {
  switch (order.kind) {
    case 'connect':
      load = order.perSecond === null ? new ClosedLoad(order) : new PacedLoad(order, order.perSecond);
      return;
    case 'run':
      load?.run(order.durationMs);
      return;
    case 'close':
      load?.close();
      load = null;
      reply({ kind: 'closed' });
  }
}

process.on('message', obey);
process.on('disconnect', () => process.exit());
