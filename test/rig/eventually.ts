import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks again until the answer is true: for what can only be seen from outside, such as a figure in `/metrics`. It says
 * nothing about how long that takes; `patienceMs` only keeps a failing test from hanging.
 */
export const eventually = async (
  what: string,
  isSo: () => boolean | Promise<boolean>,
  patienceMs = 20_000,
): Promise<void> => {
  const giveUpAt = performance.now() + patienceMs;
  while (!(await isSo())) {
    if (performance.now() > giveUpAt) throw new Error(`never happened: ${what}`);
    await delay(5);
  }
};

/** Waits until a figure above 0 has stood still for a while; gives it. */
export const standsStill = async (read: () => number): Promise<number> => {
  let last = -1;
  let since = performance.now();
  await eventually('it stands still', () => {
    const now = read();
    if (now !== last) since = performance.now();
    last = now;
    return now > 0 && performance.now() - since > 300;
  });
  return last;
};

/** A place where several can wait for "something has changed". */
export class Signal {
  #waiting: (() => void)[] = [];

  /** Wakes everybody who waits now. */
  raise(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves with the first value that is not null, asked now and after every change. */
  async until<T>(ask: () => T | null): Promise<T> {
    for (;;) {
      const answer = ask();
      if (answer !== null) return answer;
      await this.next();
    }
  }
}
