import type { BreakerStatus } from '../../src/policy/gate.ts';
import { success } from '../../src/policy/outcome.ts';
import type { BreakerView, BulkheadView, CommandDescription } from '../../src/telemetry/command-figures.ts';
import { Commands } from '../../src/telemetry/commands.ts';
import type { BreakerTransition, ExchangeEnded } from '../../src/telemetry/events.ts';
import type { MetricsSource } from '../../src/telemetry/metrics.ts';
import { defaultPolicy } from '../rig/default-policy.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

/** Of a sidecar in which nothing has happened. */
export const metricsSource = (changes: Partial<MetricsSource> = {}): MetricsSource => ({
  commands: new Commands(),
  clock: new VirtualClock(),
  version: '1.2.3',
  upstreams: () => [],
  reloads: () => ({ succeeded: 0, failed: 0, lastSucceeded: true }),
  tunnels: () => 0,
  logLinesDropped: () => 0,
  listenerErrors: () => 0,
  ...changes,
});

export const closedStatus: BreakerStatus = {
  state: 'closed',
  inStateMs: 0,
  force: 'none',
  forcedBy: null,
  forceEndsInMs: -1,
  isOpen: false,
  total: 0,
  errors: 0,
  slow: 0,
  errorPercent: 0,
  slowPercent: 0,
  failuresInARow: 0,
  probes: { needed: 1, succeeded: 0, inFlight: 0, lost: 0 },
  nextProbeInMs: -1,
  why: 'nothing has happened yet',
  reason: 'nothing has happened yet',
};

export const bulkheadView = (name: string, changes: Partial<BulkheadView> = {}): BulkheadView => ({
  name,
  concurrency: 256,
  queueLimit: 128,
  inFlight: 0,
  queued: 0,
  admittedTotal: 0,
  completedTotal: 0,
  rejectedTotal: 0,
  maxInFlightEver: 0,
  ...changes,
});

/** A breaker that opened because every vote was a failure, unless the changes say otherwise. */
export const transition = (changes: Partial<BreakerTransition> = {}): BreakerTransition => ({
  command: 'reviews',
  from: 'closed',
  to: 'open',
  why: '',
  forcedBy: null,
  counts: { total: 20, errors: 20, slow: 0 },
  at: 0,
  ...changes,
});

/** A breaker that stays as it is. */
export const breakerView = (status: BreakerStatus): BreakerView => ({
  visibleState: status.force === 'none' ? status.state : status.force,
  status: (now) => ({ ...status, inStateMs: now }),
});

/** An upstream without routes, unless the changes say otherwise. */
export const describeCommand = (
  name: string,
  changes: Partial<CommandDescription> & { readonly status?: Partial<BreakerStatus> } = {},
): CommandDescription => {
  const { status, ...rest } = changes;
  return {
    name,
    upstream: name,
    route: '',
    isUnlisted: false,
    settings: defaultPolicy,
    breaker: breakerView({ ...closedStatus, ...status }),
    bulkhead: bulkheadView(name),
    ...rest,
  };
};

/** A GET that went well, unless the changes say otherwise. */
export const exchangeEnded = (changes: Partial<ExchangeEnded> = {}): ExchangeEnded => ({
  upstream: 'reviews',
  route: '',
  isUnlisted: false,
  protocol: 'http',
  method: 'GET',
  host: 'reviews.shop',
  path: '/ratings/7',
  outcome: success(200),
  reason: null,
  status: 200,
  fallback: 'none',
  attempts: 1,
  retrySkipped: null,
  endpoint: '10.1.0.4:9080',
  requestId: 'r-1',
  traceparent: '',
  queueMs: 0,
  connectMs: 0,
  firstByteMs: 10,
  totalMs: 12,
  requestBytes: 0,
  closeReason: null,
  responseBytes: 128,
  detail: '',
  ...changes,
});
