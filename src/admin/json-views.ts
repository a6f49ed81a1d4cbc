import type { CommandFigures, LatencyFigures } from '../telemetry/command-figures.ts';
import { latencyPercents } from '../telemetry/command-figures.ts';

/** To a thousandth: what is beyond that is an accident of the arithmetic. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

const latencyView = ({ count, mean, percentiles }: LatencyFigures) => ({
  count,
  meanMs: rounded(mean),
  // `p` keeps them in this order: keys that are whole numbers would go before the others.
  percentilesMs: Object.fromEntries(
    latencyPercents.map((percent, index) => [`p${percent}`, rounded(percentiles[index]!)]),
  ),
});

/**
 * A breaker for `/breakers` and `/breakers/NAME`: the figures of the streams. `forceExpiresInMs` is null where an
 * override lasts until it is lifted, and where there is none; `nextProbeInMs` is null unless the breaker is open, and a
 * limit that is null is unlimited.
 */
export const breakerView = (figures: CommandFigures, forceExpiresInMs: number) => {
  const { status, bulkhead, settings } = figures;
  return {
    name: figures.name,
    upstream: figures.upstream,
    route: figures.route,
    unlisted: figures.isUnlisted,
    state: status.state,
    force: status.force,
    forceExpiresInMs:
      forceExpiresInMs >= 0 && Number.isFinite(forceExpiresInMs) ? rounded(forceExpiresInMs) : null,
    open: status.isOpen,
    why: status.why,
    nextProbeInMs: status.nextProbeInMs >= 0 ? rounded(status.nextProbeInMs) : null,
    health: {
      windowMs: settings.breaker.windowMs,
      total: status.total,
      errors: status.errors,
      slow: status.slow,
      errorPercent: status.errorPercent,
    },
    inFlight: figures.inFlight,
    maxInFlight: figures.maxInFlight,
    rolling: figures.rolling,
    latencyExecute: latencyView(figures.latencyExecute),
    latencyTotal: latencyView(figures.latencyTotal),
    bulkhead: {
      name: bulkhead.name,
      concurrency: bulkhead.concurrency,
      queueLimit: bulkhead.queueLimit,
      inFlight: bulkhead.inFlight,
      queued: bulkhead.queued,
      admittedTotal: bulkhead.admittedTotal,
      completedTotal: bulkhead.completedTotal,
      rejectedTotal: bulkhead.rejectedTotal,
    },
  };
};
