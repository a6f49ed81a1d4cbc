import type { CommandPicture } from '../board/stream-events.ts';
import type { CommandFigures } from '../telemetry/command-figures.ts';
import { latencyView } from './json-views.ts';

type BreakerStatus = CommandFigures['status'];

/** JSON has no Infinity. */
const limit = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** When a probe may go, on the process's clock; where one may go now, a moment that has passed and stays the same. */
const nextProbeAt = ({ nextProbeInMs }: BreakerStatus, sinceMs: number, now: number): number | null => {
  if (nextProbeInMs < 0) return null;
  return nextProbeInMs === 0 ? sinceMs : Math.round(now + nextProbeInMs);
};

const forceEndsAt = ({ forceEndsInMs }: BreakerStatus, now: number): number | null =>
  forceEndsInMs < 0 || forceEndsInMs === Number.POSITIVE_INFINITY ? null : Math.round(now + forceEndsInMs);

/**
 * A command for `/events`. Nothing in it changes merely because time goes by, so that a tick can leave out what stood
 * still: waits are told by the moment at which they end, and the words of `why` leave them out.
 */
export const commandPicture = (figures: CommandFigures, now: number): CommandPicture => {
  const { status, bulkhead, settings, requests } = figures;
  const sinceMs = Math.round(now - status.inStateMs);
  return {
    name: figures.name,
    upstream: figures.upstream,
    route: figures.route,
    unlisted: figures.isUnlisted,
    state: status.state,
    sinceMs,
    force: status.force,
    forcedBy: status.forcedBy,
    forceEndsAtMs: forceEndsAt(status, now),
    why: status.reason,
    nextProbeAtMs: nextProbeAt(status, sinceMs, now),
    health: {
      windowMs: settings.breaker.windowMs,
      total: status.total,
      errors: status.errors,
      slow: status.slow,
      errorPercent: status.errorPercent,
      slowPercent: status.slowPercent,
      failuresInARow: status.failuresInARow,
    },
    probes: status.probes,
    inFlight: figures.inFlight,
    rolling: { ...figures.rolling },
    totals: requests,
    latencyExecute: latencyView(figures.latencyExecute),
    latencyTotal: latencyView(figures.latencyTotal),
    bulkhead: {
      name: bulkhead.name,
      concurrency: limit(bulkhead.concurrency),
      queueLimit: bulkhead.queueLimit,
      inFlight: bulkhead.inFlight,
      queued: bulkhead.queued,
      rejectedTotal: bulkhead.rejectedTotal,
    },
  };
};
