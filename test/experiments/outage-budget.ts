/**
 * A full outage: by how much retries multiply the load on an upstream that can do nothing with it. Takes about 65 s an
 * arm.
 *
 *     node test/experiments/outage-budget.ts [--short] [--raw FOLDER]
 *
 * The control is a client with three retries, at once and without a budget.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type LoadOptions, startLoadGenerator } from '../rig/load-generator.ts';
import type { Owner } from '../rig/owner.ts';
import { type QueueSimulator, startQueueSimulator } from '../rig/queue-simulator.ts';
import { type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';
import {
  atLeast,
  atMost,
  beside,
  exactly,
  readOptions,
  reported,
  runArm,
  runExperiment,
} from './experiment.ts';

const RATE = 500;
const WINDOW_MS = 5000;
/** The defaults of `retry.budget`. */
const BUDGET = { percent: 20, minPerSecond: 10 };

const { isShort, keepRaw } = readOptions();
const windows = isShort ? 3 : 12;

interface Result {
  /** Attempts for each request, window by window. */
  readonly windows: readonly number[];
  readonly attempts: number;
  readonly requests: number;
  readonly answers: Readonly<Record<string, number>>;
  /** The least that the budget ever had; Infinity where there is none. */
  readonly leastTokens: number;
  /** Its tokens one window after the outage, and what the metrics counted in all. */
  readonly tokensAfter: number;
  readonly attemptsByMetrics: number;
}

const startDeadUpstream = async (owner: Owner): Promise<QueueSimulator> => {
  const upstream = await startQueueSimulator(owner, { kind: 'parallel', delayMs: 2 });
  await upstream.set({ kind: 'parallel', delayMs: 2 }, { errorPercent: 100 });
  return upstream;
};

const outage = async (
  owner: Owner,
  upstream: QueueSimulator,
  load: Omit<LoadOptions, 'ratePerSecond'>,
  sidecar: SidecarProcess | null,
): Promise<Result> => {
  const generator = await startLoadGenerator(owner);
  const running = await generator.begin({ ...load, ratePerSecond: RATE });
  const ratios: number[] = [];
  let leastTokens = Number.POSITIVE_INFINITY;
  let [attemptsBefore, sentBefore] = [0, 0];
  for (let window = 0; window < windows; window += 1) {
    for (let look = 0; look < 10; look += 1) {
      await wait(WINDOW_MS / 10);
      const tokens = await tokensOf(sidecar);
      leastTokens = Math.min(leastTokens, tokens);
    }
    const attempts = (await upstream.counts()).arrived;
    const sent = (await running.records()).offered;
    ratios.push((attempts - attemptsBefore) / (sent - sentBefore));
    [attemptsBefore, sentBefore] = [attempts, sent];
  }
  const records = await running.end();
  await wait(isShort ? 1000 : WINDOW_MS);
  const metrics = await sidecar?.metrics();
  return {
    windows: ratios,
    attempts: (await upstream.counts()).arrived,
    requests: records.offered,
    answers: records.results,
    leastTokens,
    tokensAfter: await tokensOf(sidecar),
    attemptsByMetrics: metrics?.sum('attempts_total') ?? Number.NaN,
  };
};

const tokensOf = async (sidecar: SidecarProcess | null): Promise<number> =>
  sidecar === null ? Number.POSITIVE_INFINITY : (await sidecar.metrics()).sum('retry_budget_tokens');

const withSidecar = async (owner: Owner, breaker: object): Promise<Result> => {
  const upstream = await startDeadUpstream(owner);
  const sidecar = await startSidecarProcess(owner, {
    log: { access: 'off' },
    upstreams: { u: { endpoints: [upstream.endpoint], breaker, retry: { attempts: 4, budget: BUDGET } } },
  });
  return outage(owner, upstream, { target: { ...sidecar.egress, name: 'u' } }, sidecar);
};

const naive = async (owner: Owner): Promise<Result> => {
  const upstream = await startDeadUpstream(owner);
  return outage(owner, upstream, { target: upstream.address, retries: 3 }, null);
};

await runExperiment(
  `full outage, ${RATE} requests/s for ${(windows * WINDOW_MS) / 1000} s`,
  async (owner) => {
    const budget = await runArm(owner, 'breaker forced closed', (arm) =>
      withSidecar(arm, { force: 'closed' }),
    );
    const breaker = await runArm(owner, 'breaker on', (arm) => withSidecar(arm, {}));
    const control = await runArm(owner, 'naive retries', naive);
    keepRaw('outage-budget', { budget, breaker, control });
    const ratio = ({ attempts, requests }: Result): number => attempts / requests;
    const bound = 1 + BUDGET.percent / 100 + BUDGET.minPerSecond / RATE;
    // The bucket may be full when the outage begins: the first window has its reserve too.
    const worst = Math.max(...budget.windows.slice(1));
    return [
      beside(
        atMost('budget alone: attempts ÷ requests, worst 5 s window', worst, bound + 0.005),
        ratio(control),
      ),
      reported('budget alone: the first window', budget.windows[0] ?? Number.NaN),
      exactly('budget alone: attempts by the metrics', budget.attemptsByMetrics, budget.attempts),
      atLeast('budget: fewest tokens ever seen', budget.leastTokens, 0),
      atLeast('budget: tokens a window after the outage', budget.tokensAfter, 10),
      beside(atMost('breaker on: attempts ÷ requests', ratio(breaker), 1.01), ratio(control)),
      exactly('breaker on: attempts by the metrics', breaker.attemptsByMetrics, breaker.attempts),
      reported('requests in each arm', budget.requests),
    ];
  },
  400_000,
);
