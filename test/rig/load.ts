import { type CallResult, statusOrCode } from './http-call.ts';

/** How often each status, or each code of a broken connection, was seen. */
export type Tally = Record<string, number>;

export const tallyOf = (results: readonly CallResult[]): Tally => {
  const tally: Tally = {};
  for (const result of results) {
    const key = String(statusOrCode(result));
    tally[key] = (tally[key] ?? 0) + 1;
  }
  return tally;
};

/** So many calls in all, at most `workers` at the same time; each begins when one has ended. */
export const closedLoop = async (
  calls: number,
  workers: number,
  call: (index: number) => Promise<CallResult>,
): Promise<CallResult[]> => {
  const results: CallResult[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < calls) {
      const index = next;
      next += 1;
      results[index] = await call(index);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return results;
};

/** Calls that begin at their due time, whatever became of the earlier ones; resolves when all have ended. */
export const openLoop = async (
  ratePerSecond: number,
  durationMs: number,
  call: (index: number) => Promise<CallResult>,
): Promise<CallResult[]> => {
  const startedAt = performance.now();
  const running: Promise<CallResult>[] = [];
  await new Promise<void>((resolve) => {
    const tick = setInterval(() => {
      const elapsedMs = Math.min(performance.now() - startedAt, durationMs);
      const due = Math.floor((elapsedMs * ratePerSecond) / 1000);
      while (running.length < due) running.push(call(running.length));
      if (elapsedMs < durationMs) return;
      clearInterval(tick);
      resolve();
    }, 2);
  });
  return Promise.all(running);
};
