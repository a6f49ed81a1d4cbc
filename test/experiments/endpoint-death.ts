/**
 * One of three endpoints stops working in five different ways under a steady load of GETs: how long it is still sent
 * requests, how many, and what the app notices. Takes about 30 s for each way and arm.
 *
 *     node test/experiments/endpoint-death.ts [--short] [--raw FOLDER]
 *
 * The control spreads the same requests over the same three endpoints in turn, with a timeout and no retry.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type Load, startLoadGenerator } from '../rig/load-generator.ts';
import type { LoadRecords } from '../rig/load-records.ts';
import { startNaiveService } from '../rig/naive-service.ts';
import type { Owner, RigAddress } from '../rig/owner.ts';
import { type QueueSimulator, startQueueSimulator } from '../rig/queue-simulator.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import {
  atMost,
  beside,
  exactly,
  type Figure,
  readOptions,
  reported,
  runArm,
  runExperiment,
} from './experiment.ts';

const RATE = 300;
const ATTEMPT_MS = 500;
const { isShort, keepRaw } = readOptions();
const deadMs = isShort ? 5000 : 15_000;
const healthy = { kind: 'parallel', delayMs: 5 } as const;

interface Death {
  readonly name: string;
  /** How soon it should be left alone, in ms. */
  readonly targetMs: number;
  kill(endpoint: QueueSimulator): Promise<unknown>;
}

const deaths: readonly Death[] = [
  { name: 'refuses connections', targetMs: 100, kill: ({ process }) => process.kill() },
  {
    name: 'is stopped (accepts, never answers)',
    targetMs: 1100,
    kill: async ({ process }) => process.child.kill('SIGSTOP'),
  },
  {
    name: 'takes requests and never answers',
    targetMs: 1100,
    kill: (endpoint) => endpoint.set({ kind: 'silent' }),
  },
  {
    name: 'answers 500 to everything',
    targetMs: 500,
    kill: (endpoint) => endpoint.set(healthy, { errorPercent: 100, errorStatus: 500 }),
  },
  {
    name: 'takes 400 ms instead of 5',
    targetMs: 10_000,
    kill: (endpoint) => endpoint.set({ kind: 'parallel', delayMs: 400 }),
  },
];

interface Result {
  readonly records: LoadRecords;
  readonly diedAt: number;
  /** Attempts that were sent to it in the last third of the time, per second. */
  readonly stillPerSecond: number;
  /** When the last request that failed or took long for it was due, after its death; 0: none. */
  readonly lastHarmMs: number;
}

/** What the app notices: no 200, or one that is slower than any healthy endpoint is. */
const isHarmed = ({ result, tookMs }: { readonly result: string; readonly tookMs: number }): boolean =>
  result !== '200' || tookMs > 200;

const die = async (
  load: Load,
  endpoint: QueueSimulator,
  death: Death,
  sentTo: () => Promise<number>,
): Promise<Result> => {
  await wait(3000);
  const diedAt = load.elapsedMs;
  await death.kill(endpoint);
  await wait((deadMs * 2) / 3);
  const before = await sentTo();
  await wait(deadMs / 3);
  const after = await sentTo();
  const records = await load.end();
  const harmed = records.between(diedAt, Number.POSITIVE_INFINITY).records.filter(isHarmed);
  const last = harmed.at(-1);
  return {
    records: records.between(diedAt, Number.POSITIVE_INFINITY),
    diedAt,
    stillPerSecond: (after - before) / (deadMs / 3000),
    lastHarmMs: last === undefined ? 0 : last.dueMs - diedAt,
  };
};

const threeEndpoints = (owner: Owner): Promise<QueueSimulator[]> =>
  Promise.all([1, 2, 3].map(() => startQueueSimulator(owner, healthy)));

const begin = async (owner: Owner, target: RigAddress): Promise<Load> => {
  const generator = await startLoadGenerator(owner);
  return generator.begin({ target: { ...target, name: 'u' }, ratePerSecond: RATE, deadlineMs: 200 });
};

const withSidecar = async (owner: Owner, death: Death): Promise<Result> => {
  const endpoints = await threeEndpoints(owner);
  const sidecar = await startSidecarProcess(owner, {
    upstreams: {
      u: {
        endpoints: endpoints.map(({ endpoint }) => endpoint),
        timeout: { connect: '250ms', attempt: `${ATTEMPT_MS}ms`, total: '2s' },
        retry: { on: ['connect-failure', 'reset', 'timeout', 500, 502, 503, 504] },
      },
    },
  });
  const dead = endpoints[2]!;
  const load = await begin(owner, sidecar.egress);
  // What is dead cannot be asked: the log tells where the last attempt of each request went, and the metrics how many failed.
  const failed = async () => (await sidecar.metrics()).sum('attempts_total', { outcome: 'failure' });
  const alsoSlow = () => sidecar.accessLog.filter((line) => line['endpoint'] === dead.endpoint).length;
  return die(load, dead, death, async () => (await failed()) + alsoSlow());
};

const without = async (owner: Owner, death: Death): Promise<Result> => {
  const endpoints = await threeEndpoints(owner);
  const addresses = endpoints.map(({ address }) => address);
  const service = await startNaiveService(owner, {
    calls: [addresses],
    timeoutMs: ATTEMPT_MS,
    retries: 0,
  });
  return die(await begin(owner, service), endpoints[2]!, death, () => Promise.resolve(Number.NaN));
};

const isAnswered = (records: LoadRecords): number => records.offered - records.with('200').offered;

await runExperiment(
  `one of three endpoints dies, ${RATE} requests/s`,
  async (owner) => {
    const figures: Figure[] = [];
    for (const death of deaths) {
      const result = await runArm(owner, `${death.name}, with the sidecar`, (arm) => withSidecar(arm, death));
      const control = await runArm(owner, `${death.name}, without`, (arm) => without(arm, death));
      keepRaw(`endpoint-death-${deaths.indexOf(death)}`, result.records.records);
      figures.push(
        beside(
          exactly(`${death.name}: errors at the app`, isAnswered(result.records), 0),
          isAnswered(control.records),
        ),
        beside(
          atMost(
            `${death.name}: the last one that was harmed came after, ms`,
            result.lastHarmMs,
            death.targetMs,
          ),
          control.lastHarmMs,
        ),
        reported(`${death.name}: attempts that it still got at the end, per second`, result.stillPerSecond),
      );
    }
    return figures;
  },
  deaths.length * 120_000,
);
