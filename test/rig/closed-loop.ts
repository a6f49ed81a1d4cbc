import { connect, type Socket } from 'node:net';
import type { Owner } from './owner.ts';
import { percentile } from './percentile.ts';
import { type RigProcess, startRigProcess, takeOrders } from './rig-process.ts';
import type { CallTarget } from './timed-call.ts';

export interface ClosedLoopOptions {
  readonly target: CallTarget;
  /** Each has one request under way at a time. */
  readonly connections: number;
  readonly durationMs: number;
}

export interface ClosedLoopResult {
  readonly answers: { readonly total: number; readonly byStatus: Readonly<Record<string, number>> };
  readonly p99Ms: number;
  readonly elapsedMs: number;
}

/** Clients that cost little, in a process of their own: each sends its next request when its answer is complete. */
export class ClosedLoop {
  readonly #process: RigProcess<ClosedLoopOptions>;

  constructor(process: RigProcess<ClosedLoopOptions>) {
    this.#process = process;
  }

  run(options: ClosedLoopOptions): Promise<ClosedLoopResult> {
    return this.#process.ask(options);
  }
}

export const startClosedLoop = async (owner: Owner): Promise<ClosedLoop> => {
  const { process } = await startRigProcess<ClosedLoopOptions, null>(owner, import.meta.filename);
  return new ClosedLoop(process);
};

/** One connection. It only knows answers with `Content-Length`. */
class Client {
  readonly #socket: Socket;
  readonly #request: string;
  readonly #answered: (status: string, tookMs: number) => boolean;
  #received = '';
  #sentAt = 0;

  constructor({ host, port, name }: CallTarget, answered: (status: string, tookMs: number) => boolean) {
    this.#request = `GET / HTTP/1.1\r\nHost: ${name ?? host}\r\n\r\n`;
    this.#answered = answered;
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('connect', () => this.#send());
    this.#socket.on('data', (chunk) => this.#read(chunk.toString('latin1')));
    // A broken connection shows in the count of answers.
    this.#socket.on('error', () => {});
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(): void {
    this.#sentAt = performance.now();
    this.#socket.write(this.#request, 'latin1');
  }

  #read(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf('\r\n\r\n') + 4;
    if (headEnd < 4) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(this.#received.slice(0, headEnd));
    if (length === null) throw new Error('an answer without Content-Length');
    if (this.#received.length < headEnd + Number(length[1])) return;
    const status = this.#received.slice(9, 12);
    this.#received = '';
    if (this.#answered(status, performance.now() - this.#sentAt)) this.#send();
  }
}

const run = async ({ target, connections, durationMs }: ClosedLoopOptions): Promise<ClosedLoopResult> => {
  const byStatus: Record<string, number> = {};
  const times: number[] = [];
  const startedAt = performance.now();
  const answered = (status: string, tookMs: number): boolean => {
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    times.push(tookMs);
    return performance.now() - startedAt < durationMs;
  };
  const clients = Array.from({ length: connections }, () => new Client(target, answered));
  await new Promise((resolve) => setTimeout(resolve, durationMs));
  const elapsedMs = performance.now() - startedAt;
  for (const client of clients) client.close();
  return { answers: { total: times.length, byStatus }, p99Ms: percentile(times, 99), elapsedMs };
};

if (import.meta.main) takeOrders(null, run);
