import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { pidsOfTree } from './process-tree.ts';

const started = new Set<PinnedProcess>();

/** Ends everything that is still running, at once. For the way out, whichever it is. */
export function killAll(): void {
  for (const { pid } of started) for (const member of pidsOfTree(pid)) killNow(member);
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It was faster.
  }
}

export interface PinnedOptions {
  readonly core: number;
  readonly command: readonly string[];
  readonly hasIpc: boolean;
}

/** A child process that runs on one core. Whoever starts it stops it; {@link killAll} takes the rest. */
export class PinnedProcess {
  readonly pid: number;
  readonly #child: ChildProcess;
  #said = '';
  #fail: (error: Error) => void = () => {};
  /** Rejects when the process ends or an answer does not come; never resolves. */
  readonly #failure: Promise<never>;

  constructor(options: PinnedOptions) {
    const { core, command, hasIpc } = options;
    this.#child = spawn('taskset', ['-c', String(core), ...command], {
      stdio: ['ignore', 'pipe', 'pipe', ...(hasIpc ? (['ipc'] as const) : [])],
    });
    this.#failure = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // It may fail while nobody waits for it; who waits next hears of it.
    this.#failure.catch(() => {});
    this.pid = this.#child.pid ?? 0;
    this.#child.stdout?.on('data', (chunk) => this.#hear(chunk));
    this.#child.stderr?.on('data', (chunk) => this.#hear(chunk));
    this.#child.on('error', (error) => this.#fail(error));
    this.#child.on('exit', (code, signal) => {
      started.delete(this);
      this.#fail(new Error(`${command.join(' ')}\nended with ${code ?? signal}:\n${this.#said}`));
    });
    // Without a pid it never ran, and 0 must not be signalled: it stands for the whole group, ourselves included.
    if (this.pid !== 0) started.add(this);
  }

  /** Sends an order that is answered by nothing. */
  tell(order: object): void {
    this.#child.send(order);
  }

  /** Sends an order, if there is one, and waits for the next message. */
  async ask<Reply>(order: object | null, withinMs: number): Promise<Reply> {
    const reply = once(this.#child, 'message');
    if (order !== null) this.#child.send(order);
    const [message] = await this.#within(reply, withinMs, 'no answer');
    return message;
  }

  /** Waits until something accepts connections on the port. */
  async listening(port: number): Promise<void> {
    const attempts = async () => {
      while (!(await accepts(port))) await delay(1);
    };
    await this.#within(attempts(), 10_000, `nothing listens on port ${port}`);
  }

  /** The end of what it wrote, on either stream. */
  get lastWords(): string {
    return this.#said;
  }

  /** Asks it to end, and makes it end if it does not listen. Who drains first is asked again, which means at once. */
  async stop(): Promise<void> {
    if (!started.has(this)) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const again = setInterval(() => this.#child.kill('SIGTERM'), 100);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    await ended;
    clearInterval(again);
    clearTimeout(timer);
  }

  #hear(chunk: Buffer): void {
    this.#said = (this.#said + chunk.toString()).slice(-2000);
  }

  async #within<T>(work: Promise<T>, ms: number, otherwise: string): Promise<T> {
    const timer = setTimeout(() => this.#fail(new Error(`${otherwise} within ${ms} ms\n${this.#said}`)), ms);
    try {
      return await Promise.race([work, this.#failure]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}
