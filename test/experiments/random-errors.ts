/**
 * An upstream that answers so many percent of its requests with 503, at random: what the app still sees of it with
 * retries, and what the upstream sees of the retries. Takes about 30 s for each share and arm.
 *
 *     node test/experiments/random-errors.ts [--short] [--raw FOLDER]
 */
import { setTimeout as wait } from 'node:timers/promises';
import { type LoadGenerator, startLoadGenerator } from '../rig/load-generator.ts';
import type { LoadRecords } from '../rig/load-records.ts';
import type { Owner, RigAddress } from '../rig/owner.ts';
import { type QueueSimulator, startQueueSimulator } from '../rig/queue-simulator.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, beside, type Figure, readOptions, reported, runArm, runExperiment } from './experiment.ts';

const RATE = 300;
const PERCENTS = [1, 5, 20];
/** Chance alone moves a share; three standard deviations of it are allowed. */
const SIGMAS = 3;

const { isShort, keepRaw } = readOptions();
const durationMs = isShort ? 8000 : 30_000;

interface Result {
  readonly records: LoadRecords;
  /** Requests that the upstream got for each that the app sent. */
  readonly load: number;
}

const errorRatio = ({ records }: Result): number => (records.with('503').offered / records.offered) * 100;

const measure = async (
  generator: LoadGenerator,
  upstream: QueueSimulator,
  target: RigAddress,
): Promise<Result> => {
  const before = await upstream.counts();
  const load = await generator.begin({ target: { ...target, name: 'u' }, ratePerSecond: RATE });
  await wait(durationMs);
  const records = await load.end();
  const after = await upstream.counts();
  return { records, load: (after.arrived - before.arrived) / records.offered };
};

const withErrors = async (owner: Owner, percent: number): Promise<QueueSimulator> => {
  const upstream = await startQueueSimulator(owner, { kind: 'parallel', delayMs: 5 });
  await upstream.set({ kind: 'parallel', delayMs: 5 }, { errorPercent: percent });
  return upstream;
};

await runExperiment(
  `so many percent of the answers are 503, ${RATE} requests/s`,
  async (owner) => {
    const figures: Figure[] = [];
    for (const percent of PERCENTS) {
      const result = await runArm(owner, `${percent} %, with the sidecar`, async (arm) => {
        const upstream = await withErrors(arm, percent);
        const sidecar = await startSidecarProcess(arm, {
          log: { access: 'off' },
          upstreams: { u: { endpoints: [upstream.endpoint] } },
        });
        return measure(await startLoadGenerator(arm), upstream, sidecar.egress);
      });
      const control = await runArm(owner, `${percent} %, without`, async (arm) => {
        const upstream = await withErrors(arm, percent);
        return measure(await startLoadGenerator(arm), upstream, upstream.address);
      });
      keepRaw(`random-errors-${percent}`, result.records.records);
      const share = (percent / 100) ** 2 + 0.0001;
      const chance = SIGMAS * Math.sqrt((share * (1 - share)) / result.records.offered);
      figures.push(
        beside(
          atMost(`${percent} %: errors that the app sees, %`, errorRatio(result), (share + chance) * 100),
          errorRatio(control),
        ),
        beside(reported(`${percent} %: load on the upstream, × requests`, result.load), control.load),
      );
    }
    return figures;
  },
  PERCENTS.length * 120_000,
);
