import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Owner } from './owner.ts';

interface Ask<Order> {
  readonly id: number;
  readonly order: Order;
}

interface Reply {
  /** null: the first message, that the process is ready. */
  readonly id: number | null;
  readonly reply: unknown;
}

/** A part of the rig in a process of its own, so that it takes no time from others. It takes orders and answers each. */
export class RigProcess<Order> {
  readonly child: ChildProcess;
  readonly #waiting = new Map<number | null, PromiseWithResolvers<unknown>>();
  #asked = 0;

  constructor(child: ChildProcess) {
    this.child = child;
    child.on('message', ({ id, reply }: Reply) => {
      this.#waiting.get(id)?.resolve(reply);
      this.#waiting.delete(id);
    });
    child.on('exit', (code, signal) => {
      const error = new Error(`${child.spawnfile} ${child.spawnargs[1]} ended with ${code ?? signal}`);
      for (const { reject } of this.#waiting.values()) reject(error);
      this.#waiting.clear();
    });
  }

  ask<Answer>(order: Order): Promise<Answer> {
    this.#asked += 1;
    this.child.send({ id: this.#asked, order } satisfies Ask<Order>, () => {});
    return this.hear(this.#asked) as Promise<Answer>;
  }

  hear(id: number | null): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>();
    if (this.child.exitCode !== null) answer.reject(new Error('the process has ended'));
    else this.#waiting.set(id, answer);
    return answer.promise;
  }

  /** Ends it at once, like a crash. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    this.child.kill('SIGKILL');
    await once(this.child, 'exit');
  }
}

/** Starts a file of the rig as a process of its own; resolves with what it says when it is ready. */
export const startRigProcess = async <Order, Ready>(
  owner: Owner,
  file: string,
  args: readonly string[] = [],
): Promise<{ readonly process: RigProcess<Order>; readonly ready: Ready }> => {
  const child = fork(file, args, { serialization: 'advanced' });
  const started = new RigProcess<Order>(child);
  owner.after(() => started.kill());
  return { process: started, ready: (await started.hear(null)) as Ready };
};

/** In the process itself: says that it is ready, answers orders one by one, and ends with whoever started it. */
export const takeOrders = <Order>(ready: unknown, obey: (order: Order) => unknown): void => {
  process.on('message', async ({ id, order }: Ask<Order>) => {
    process.send?.({ id, reply: await obey(order) } satisfies Reply);
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ id: null, reply: ready } satisfies Reply);
};
