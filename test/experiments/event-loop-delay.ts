/**
 * How long the event loop makes others wait while a thousand routes are configured, thousands of requests a second pass
 * and one in twenty fails. Takes about 35 s an arm.
 *
 *     node test/experiments/event-loop-delay.ts [--short]
 *
 * The control is a proxy of Node's own server and client with opossum's defaults, which keeps every latency of the
 * window and sorts them at each failure.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { startLoadGenerator } from '../rig/load-generator.ts';
import type { LoadRecords } from '../rig/load-records.ts';
import { DELAY_RESOLUTION_MS, type LoopDelay, startNaiveBreakerProxy } from '../rig/naive-breaker-proxy.ts';
import type { Owner, RigAddress } from '../rig/owner.ts';
import { type QueueSimulator, startQueueSimulator } from '../rig/queue-simulator.ts';
import { type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, beside, exactly, readOptions, reported, runArm, runExperiment } from './experiment.ts';

const RATE = 2000;
const ERROR_PERCENT = 5;
const ROUTES = 1000;
const { isShort } = readOptions();
const durationMs = isShort ? 8000 : 30_000;
/** The window is full, and everything is compiled. */
const warmUpMs = isShort ? 3000 : 12_000;

interface Result {
  readonly records: LoadRecords;
  readonly delay: LoopDelay;
}

const startUpstream = async (owner: Owner): Promise<QueueSimulator> => {
  const behaviour = { kind: 'parallel', delayMs: 2 } as const;
  const upstream = await startQueueSimulator(owner, behaviour);
  await upstream.set(behaviour, { errorPercent: ERROR_PERCENT });
  return upstream;
};

const measure = async (
  owner: Owner,
  target: RigAddress,
  takeDelay: () => Promise<LoopDelay>,
): Promise<Result> => {
  const generator = await startLoadGenerator(owner);
  const load = await generator.begin({
    target: { ...target, name: 'u' },
    ratePerSecond: RATE,
    path: '/r500/x',
  });
  await wait(warmUpMs);
  await takeDelay();
  const from = load.elapsedMs;
  await wait(durationMs);
  const delay = await takeDelay();
  const records = await load.end();
  return { records: records.between(from, from + durationMs), delay };
};

/** What Node's own figures say since they were last read; they contain the time between two looks. */
const delayOf = async (sidecar: SidecarProcess): Promise<LoopDelay> => {
  const { samples } = await sidecar.metrics();
  const ms = (name: string): number =>
    (samples.find((sample) => sample.name === `nodejs_eventloop_lag_${name}_seconds`)?.value ?? Number.NaN) *
      1000 -
    DELAY_RESOLUTION_MS;
  return { p99Ms: ms('p99'), maxMs: ms('max') };
};

const withSidecar = async (owner: Owner): Promise<Result> => {
  const upstream = await startUpstream(owner);
  const routes = Array.from({ length: ROUTES }, (_, index) => ({
    name: `r${index}`,
    match: { path: `/r${index}/*` },
  }));
  const sidecar = await startSidecarProcess(owner, {
    log: { access: 'errors' },
    upstreams: { u: { endpoints: [upstream.endpoint], retry: { attempts: 1 }, routes } },
  });
  return measure(owner, sidecar.egress, () => delayOf(sidecar));
};

const naive = async (owner: Owner): Promise<Result> => {
  const upstream = await startUpstream(owner);
  const proxy = await startNaiveBreakerProxy(owner, upstream.address, ROUTES);
  return measure(owner, proxy.address, () => proxy.loopDelay());
};

await runExperiment(
  `event loop with ${ROUTES} routes, ${RATE} requests/s, ${ERROR_PERCENT} % of them failing`,
  async (owner) => {
    const sidecar = await runArm(owner, 'the sidecar', withSidecar);
    const control = await runArm(owner, 'opossum with its defaults', naive);
    const answered = ({ records }: Result): number => records.with('200', '503').offered / records.offered;
    return [
      beside(atMost('event-loop delay p99, ms', sidecar.delay.p99Ms, 10), control.delay.p99Ms),
      beside(atMost('event-loop delay, most, ms', sidecar.delay.maxMs, 50), control.delay.maxMs),
      beside(
        reported('requests p50, ms', sidecar.records.percentileMs(50)),
        control.records.percentileMs(50),
      ),
      beside(
        reported('requests p99, ms', sidecar.records.percentileMs(99)),
        control.records.percentileMs(99),
      ),
      beside(exactly('share that was answered', answered(sidecar), 1), answered(control)),
    ];
  },
  240_000,
);
