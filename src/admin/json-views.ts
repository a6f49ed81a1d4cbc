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

/** Null for a time that is unknown, endless or does not apply. */
const finite = (ms: number): number | null => (ms >= 0 && Number.isFinite(ms) ? rounded(ms) : null);

/** JSON has no Infinity: a limit that is null is off. */
const limitsView = (limits: CommandFigures['settings']['breaker']) => ({
  volume: limits.volume,
  errorPercent: limits.errorPercent,
  slowerThanMs: finite(limits.slowerThanMs),
  slowPercent: limits.slowPercent,
  consecutive: finite(limits.consecutive),
  countRejections: limits.countRejections,
  sleepMs: limits.sleepMs,
});

/**
 * A breaker for `/breakers` and `/breakers/NAME`: the figures of the streams. `forceExpiresInMs` is null where an
 * override lasts until it is lifted, and where there is none; `nextProbeInMs` is null while the breaker is closed.
 */
export const breakerView = (figures: CommandFigures) => {
  const { status, bulkhead, settings } = figures;
  return {
    name: figures.name,
    upstream: figures.upstream,
    route: figures.route,
    unlisted: figures.isUnlisted,
    state: status.state,
    inStateMs: rounded(status.inStateMs),
    force: status.force,
    forcedBy: status.forcedBy,
    forceExpiresInMs: finite(status.forceEndsInMs),
    open: status.isOpen,
    why: status.why,
    nextProbeInMs: finite(status.nextProbeInMs),
    health: {
      windowMs: settings.breaker.windowMs,
      total: status.total,
      errors: status.errors,
      slow: status.slow,
      errorPercent: status.errorPercent,
      slowPercent: status.slowPercent,
      failuresInARow: status.failuresInARow,
    },
    limits: limitsView(settings.breaker),
    probes: status.probes,
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
