/**
 * Ten thousand destinations that no upstream names, one after the other, through 256 places, for ten minutes: is there
 * ever more than there may be, does memory grow, and are the counts still exact? Takes a little more than SECONDS.
 *
 *     node test/experiments/unlisted-churn.ts [SECONDS] [RATE] [NAMES]
 *
 * Every seventh request fails, so that circuits open, sleep and are forgotten among the others.
 */
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { openLoop, tallyOf } from '../rig/load.ts';
import { fetchText, type Metrics } from '../rig/metrics.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, exactly, reported, runExperiment } from './experiment.ts';

const seconds = Number(process.argv[2] ?? 600);
const rate = Number(process.argv[3] ?? 300);
const names = Number(process.argv[4] ?? 10_000);
const PLACES = 256;
const SAMPLE_EVERY_MS = 5000;
/** For the sidecar: a heap so small that it is collected all the time, so that what stays is what is in use. */
const SMALL_HEAP = '--max-semi-space-size=2 --max-old-space-size=64';

interface Sample {
  readonly atSeconds: number;
  readonly heapMib: number;
  readonly commands: number;
  readonly series: number;
}

const heapBytes = ({ samples }: Metrics): number =>
  samples.find(({ name }) => name === 'nodejs_heap_size_used_bytes')?.value ?? Number.NaN;

/** What a straight line through the samples gains in an hour (least squares), in MiB. */
const slopePerHour = (samples: readonly Sample[]): number => {
  const meanX = samples.reduce((sum, { atSeconds }) => sum + atSeconds, 0) / samples.length;
  const meanY = samples.reduce((sum, { heapMib }) => sum + heapMib, 0) / samples.length;
  let over = 0;
  let under = 0;
  for (const { atSeconds, heapMib } of samples) {
    over += (atSeconds - meanX) * (heapMib - meanY);
    under += (atSeconds - meanX) ** 2;
  }
  return (over / under) * 3600;
};

/** The lowest of each `size` samples in a row: what is left after a collection, not what is on its way to the next. */
const troughs = (samples: readonly Sample[], size: number): Sample[] => {
  const lowest: Sample[] = [];
  for (let start = 0; start + size <= samples.length; start += size) {
    const group = samples.slice(start, start + size);
    lowest.push(group.reduce((least, sample) => (sample.heapMib < least.heapMib ? sample : least)));
  }
  return lowest;
};

await runExperiment(
  `${names} unlisted destinations through ${PLACES} places, ${rate} requests/s for ${seconds} s`,
  async (owner) => {
    const upstream = await startHttpUpstream(owner, (_call, response) => {
      if (upstream.begun % 7 === 0) response.statusCode = 503;
      response.end('ok');
      // Only the counts are of interest here; the calls themselves would fill this process.
      upstream.calls.length = 0;
    });
    process.env['NODE_OPTIONS'] = SMALL_HEAP;
    const sidecar = await startSidecarProcess(owner, {
      log: { access: 'off' },
      egress: { unlisted: 'allow', maxUnlisted: PLACES, unlistedIdle: '30s' },
      defaults: { breaker: { volume: 2, sleep: '1s' } },
    });
    delete process.env['NODE_OPTIONS'];
    const caller = makeCaller(owner, sidecar.egress, 64);
    const samples: Sample[] = [];
    const startedAt = performance.now();
    const takeSample = async (): Promise<void> => {
      const metrics = await sidecar.metrics();
      const breakers = await fetchText(sidecar.admin, '/breakers');
      samples.push({
        atSeconds: (performance.now() - startedAt) / 1000,
        heapMib: heapBytes(metrics) / 2 ** 20,
        commands: (JSON.parse(breakers.text) as { breakers: unknown[] }).breakers.length,
        series: metrics.samples.length,
      });
    };
    let sampling = Promise.resolve();
    const sampler = setInterval(() => {
      sampling = takeSample();
    }, SAMPLE_EVERY_MS);
    owner.after(() => clearInterval(sampler));

    const results = await openLoop(rate, seconds * 1000, (index) =>
      caller.call({ host: `n${index % names}.localhost:${upstream.port}` }),
    );
    clearInterval(sampler);
    // Scrapes at the same time share one page: the last word needs one of its own.
    await sampling;

    const metrics = await sidecar.metrics();
    const warm = samples.filter(({ atSeconds }) => atSeconds > Math.min(60, seconds / 4));
    const most = (figure: (sample: Sample) => number): number => Math.max(...samples.map(figure));
    return [
      reported('requests', results.length),
      reported('answers', JSON.stringify(tallyOf(results))),
      atMost(
        'commands at the same time, at most',
        most(({ commands }) => commands),
        PLACES,
      ),
      reported('metric series, first and most', `${samples[0]?.series} / ${most(({ series }) => series)}`),
      exactly('requests by the metrics', metrics.sum('requests_total'), results.length),
      exactly('attempts by the metrics', metrics.sum('attempts_total'), upstream.begun),
      reported('heap after a collection, MiB, first and last', heapRange(warm)),
      atMost('growth of that in an hour, MiB', slopePerHour(troughs(warm, 6)), 20),
      reported('resident memory, MiB, now and most', `${sidecar.memory.now} / ${sidecar.memory.peak}`),
      exactly('slots still held', metrics.sum('bulkhead_in_flight'), 0),
    ];
  },
  seconds * 1000 + 60_000,
);

function heapRange(samples: readonly Sample[]): string {
  const lowest = troughs(samples, 6);
  return `${lowest[0]?.heapMib.toFixed(1)} / ${lowest.at(-1)?.heapMib.toFixed(1)}`;
}
