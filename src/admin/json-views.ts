import type { CommandBook } from '../telemetry/command-book.ts';
import type { CommandFigures, LatencyFigures } from '../telemetry/command-figures.ts';
import { latencyPercents } from '../telemetry/command-figures.ts';
import type { CommandTotals } from '../telemetry/command-totals.ts';
import type { PolicyLine } from './admin-port.ts';

/** To a thousandth: what is beyond that is an accident of the arithmetic. */
const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

/** Durations of the last minute, to a thousandth of a millisecond. */
export const latencyView = ({ count, mean, percentiles }: LatencyFigures) => ({
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

/** What has been counted since the process began, by reason; only what was counted at least once. */
const countersView = (totals: CommandTotals) => {
  const requests: Record<string, Record<string, number>> = {};
  for (const [outcome, status, count] of totals.requests()) {
    requests[outcome] ??= {};
    requests[outcome][status] = count;
  }
  const attempts: Record<string, number> = {};
  for (const [outcome, reason, count] of totals.attempts()) attempts[reason || outcome] = count;
  return {
    requests,
    attempts,
    rejected: Object.fromEntries(totals.rejections()),
    retries: Object.fromEntries(totals.retries()),
    retriesSkipped: Object.fromEntries(totals.retriesSkipped()),
  };
};

/**
 * What `/breakers/NAME` says beyond `/breakers`: the last transitions, newest last; the counters, null for an unlisted
 * destination, since those are counted together; and where each value of its policy was written.
 */
export const breakerDetail = (book: CommandBook, policy: readonly PolicyLine[] | null) => ({
  transitions: book.transitions.map(({ command: _, ...transition }) => transition),
  counters: book.description.isUnlisted ? null : countersView(book.totals),
  policy,
});
