import type { BulkheadSettings } from '../../src/policy/policies.ts';
import { PlainTimeouts } from '../rig/plain-timeouts.ts';

/** What a request does as soon as it hears of its turn, or that it has none. */
export type Reflex = 'nothing' | 'release' | 'enter another' | 'release and enter another';

interface PlainRequest {
  readonly name: number;
  readonly gate: number;
  readonly reflex: Reflex;
}

/** The rules once more: every request waits, runs, or is over. */
export class PlainBulkhead {
  settings: BulkheadSettings;
  readonly words: string[] = [];
  now = 0;
  running: PlainRequest[] = [];
  waiting: PlainRequest[] = [];
  /** The last one is armed; the others run out. */
  timeouts: PlainTimeouts<PlainRequest>[];
  admitted = 0;
  completed = 0;
  refused = 0;
  mostRunning = 0;
  #names = 0;
  #isAdmitting = false;

  constructor(settings: BulkheadSettings) {
    this.settings = settings;
    this.timeouts = [new PlainTimeouts(settings.queueTimeoutMs)];
  }

  newRequest(gate: number, reflex: Reflex): PlainRequest {
    this.#names += 1;
    return { name: this.#names, gate, reflex };
  }

  enter(request: PlainRequest): void {
    const { concurrency, queue } = this.settings;
    const free = Math.max(0, concurrency - this.running.length);
    if (free > 0 && this.waiting.length === 0) this.#run(request);
    else if (this.waiting.length < queue + free) {
      this.waiting.push(request);
      this.timeouts.at(-1)!.arm(request, this.now);
      this.words.push(`${request.name} waits`);
    } else {
      this.refused += 1;
      this.words.push(`${request.name} bulkhead_full`);
    }
  }

  release(request: PlainRequest): void {
    this.running = this.running.filter((other) => other !== request);
    this.completed += 1;
    this.#admitWaiting();
  }

  cancel(request: PlainRequest): void {
    this.waiting = this.waiting.filter((other) => other !== request);
    for (const timeouts of this.timeouts) timeouts.disarm(request);
  }

  trip(gate: number): void {
    const leaving = this.waiting.filter((request) => request.gate === gate);
    for (const request of leaving) this.cancel(request);
    for (const request of leaving) this.#refuse(request, 'circuit_open');
  }

  update(settings: BulkheadSettings): void {
    if (settings.queueTimeoutMs !== this.settings.queueTimeoutMs) {
      this.timeouts.push(new PlainTimeouts(settings.queueTimeoutMs));
    }
    this.settings = settings;
    this.#admitWaiting();
  }

  advance(ms: number): void {
    const target = this.now + ms;
    for (;;) {
      const passing = PlainTimeouts.earliest(this.timeouts)!;
      if (passing.nextAt > target) break;
      this.now = passing.nextAt;
      passing.fire((request) => {
        this.cancel(request);
        this.refused += 1;
        this.#refuse(request, 'queue_timeout');
      });
    }
    this.now = target;
  }

  #refuse(request: PlainRequest, why: string): void {
    this.words.push(`${request.name} ${why}`);
    if (request.reflex.endsWith('enter another')) this.enter(this.newRequest(request.gate, 'nothing'));
  }

  #run(request: PlainRequest): void {
    this.running.push(request);
    this.admitted += 1;
    this.mostRunning = Math.max(this.mostRunning, this.running.length);
    this.words.push(`${request.name} runs`);
  }

  /** One after the other: what the admitted one does at once is done before the next one's turn. */
  #admitWaiting(): void {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    while (this.waiting.length > 0 && this.running.length < this.settings.concurrency) {
      const request = this.waiting[0]!;
      this.cancel(request);
      this.#run(request);
      if (request.reflex.startsWith('release')) this.release(request);
      if (request.reflex.endsWith('enter another')) this.enter(this.newRequest(request.gate, 'nothing'));
    }
    this.#isAdmitting = false;
  }
}
