/**
 * Ten upstreams, one of them slow, failing and asked for far more than it can do: do the nine others notice? Takes about
 * 25 s an arm.
 *
 *     node test/experiments/fairness.ts [--short] [--raw FOLDER]
 *
 * The control puts all ten behind one bulkhead, as a client with one pool for everything does.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type Load, startLoadGenerator } from '../rig/load-generator.ts';
import { LoadRecords } from '../rig/load-records.ts';
import type { Owner } from '../rig/owner.ts';
import { startQueueSimulator } from '../rig/queue-simulator.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, beside, exactly, readOptions, reported, runArm, runExperiment } from './experiment.ts';

const HEALTHY = 9;
const HEALTHY_RATE = 20;
const BAD_RATE = 300;
/** What the bad one can do, and what it fails of that. */
const BAD_SERVICE_MS = 50;
const BAD_ERROR_PERCENT = 30;
const BULKHEAD = { concurrency: 20, queue: 10 };

const { isShort, keepRaw } = readOptions();
const phaseMs = isShort ? 5000 : 20_000;

interface Result {
  readonly before: LoadRecords;
  readonly beside: LoadRecords;
  readonly bad: LoadRecords;
}

const together = (parts: readonly LoadRecords[]): LoadRecords =>
  new LoadRecords(
    parts.flatMap(({ records }) => records),
    Number.POSITIVE_INFINITY,
  );

const names = Array.from({ length: HEALTHY }, (_, index) => `good${index}`);

const run = async (owner: Owner, areApart: boolean): Promise<Result> => {
  const good = await startQueueSimulator(owner, { kind: 'parallel', delayMs: 10 });
  const bad = await startQueueSimulator(owner, { kind: 'queue', serviceMs: BAD_SERVICE_MS });
  await bad.set({ kind: 'queue', serviceMs: BAD_SERVICE_MS }, { errorPercent: BAD_ERROR_PERCENT });
  // Together: one upstream that dials whatever the app named, so one bulkhead for all.
  const apart = Object.fromEntries([
    ...names.map((name) => [name, { endpoints: [good.endpoint] }]),
    ['bad', { endpoints: [bad.endpoint] }],
  ]);
  const nameOf = (name: string): string => {
    if (areApart) return name;
    const { port } = name === 'bad' ? bad.address : good.address;
    return `${name}.localhost:${port}`;
  };
  const hosts = [...names, 'bad'].map(nameOf);
  const sidecar = await startSidecarProcess(owner, {
    log: { access: 'off' },
    defaults: { bulkhead: BULKHEAD },
    upstreams: areApart ? apart : { everything: { hosts } },
  });
  const generator = await startLoadGenerator(owner);
  const begin = (name: string, ratePerSecond: number): Promise<Load> =>
    generator.begin({ target: { ...sidecar.egress, name: nameOf(name) }, ratePerSecond });

  const loads = await Promise.all(names.map((name) => begin(name, HEALTHY_RATE)));
  await wait(phaseMs);
  const badLoad = await begin('bad', BAD_RATE);
  const badFrom = loads[0]!.elapsedMs;
  await wait(phaseMs);
  const badRecords = await badLoad.end();
  const all = together(await Promise.all(loads.map((load) => load.end())));
  // The first second of each phase is for connecting and warming up.
  return {
    before: all.between(1000, badFrom),
    beside: all.between(badFrom + 1000, Number.POSITIVE_INFINITY),
    bad: badRecords,
  };
};

const errors = (records: LoadRecords): number => records.offered - records.with('200').offered;

await runExperiment(
  `${HEALTHY} healthy upstreams at ${HEALTHY_RATE} requests/s beside one that is saturated and fails`,
  async (owner) => {
    const apart = await runArm(owner, 'an upstream for each', (arm) => run(arm, true));
    const shared = await runArm(owner, 'one bulkhead for all', (arm) => run(arm, false));
    keepRaw('fairness', apart.beside.records);
    const p99 = ({ before }: Result): number => before.percentileMs(99);
    return [
      beside(reported('healthy ones alone: p99, ms', p99(apart)), p99(shared)),
      beside(
        atMost('healthy ones beside it: p99, ms', apart.beside.percentileMs(99), 1.2 * p99(apart)),
        shared.beside.percentileMs(99),
      ),
      beside(exactly('healthy ones beside it: errors', errors(apart.beside), 0), errors(shared.beside)),
      beside(
        reported('the bad one: answers', JSON.stringify(apart.bad.results)),
        JSON.stringify(shared.bad.results),
      ),
    ];
  },
  240_000,
);
