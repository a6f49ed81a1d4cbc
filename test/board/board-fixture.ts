import type {
  CommandPicture,
  EndpointIncident,
  LatencyPicture,
  SnapshotEvent,
  TickEvent,
  TransitionIncident,
  UpstreamPicture,
} from '../../src/board/stream-events.ts';

const quiet: LatencyPicture = { count: 0, meanMs: 0, percentilesMs: {} };

/** A closed command without traffic, unless the changes say otherwise. */
export const commandPicture = (name: string, changes: Partial<CommandPicture> = {}): CommandPicture => ({
  name,
  upstream: name,
  route: '',
  unlisted: false,
  state: 'closed',
  sinceMs: 0,
  force: 'none',
  forcedBy: null,
  forceEndsAtMs: null,
  why: '',
  nextProbeAtMs: null,
  health: {
    windowMs: 10_000,
    total: 0,
    errors: 0,
    slow: 0,
    errorPercent: 0,
    slowPercent: 0,
    failuresInARow: 0,
  },
  probes: { needed: 1, succeeded: 0, inFlight: 0, lost: 0 },
  inFlight: 0,
  rolling: {},
  totals: { requests: 0, failed: 0, refused: 0, fallback: 0 },
  latencyExecute: quiet,
  latencyTotal: quiet,
  bulkhead: { name, concurrency: 256, queueLimit: 128, inFlight: 0, queued: 0, rejectedTotal: 0 },
  ...changes,
});

/** Requests since the process began; all of them went well unless the changes say otherwise. */
export const totals = (requests: number, changes: Partial<CommandPicture['totals']> = {}) => ({
  totals: { requests, failed: 0, refused: 0, fallback: 0, ...changes },
});

export const upstreamPicture = (name: string, changes: Partial<UpstreamPicture> = {}): UpstreamPicture => ({
  name,
  hosts: [name],
  dns: null,
  endpoints: [],
  retryBudget: { tokens: 20, capacity: 20 },
  ...changes,
});

/** What a reader gets first, at 10 s on the process's clock. */
export const snapshotEvent = (
  commands: readonly CommandPicture[],
  changes: Partial<SnapshotEvent> = {},
): SnapshotEvent => ({
  at: 1_800_000_000_000,
  nowMs: 10_000,
  tickMs: 1000,
  process: {
    id: 'outrigger-abc123',
    version: '1.0.0',
    state: 'serving',
    startedAt: 0,
    egress: '127.0.0.1:7400',
    source: 'outrigger.yaml',
  },
  commands,
  upstreams: [],
  recent: [],
  history: { endsAtMs: 10_000, commands: {} },
  resumed: null,
  ...changes,
});

export const tickEvent = (
  nowMs: number,
  commands: readonly CommandPicture[] = [],
  changes: Partial<TickEvent> = {},
): TickEvent => ({
  at: 1_800_000_000_000 + nowMs,
  nowMs,
  commands,
  removed: [],
  upstreams: [],
  removedUpstreams: [],
  process: null,
  ...changes,
});

export const transitionIncident = (changes: Partial<TransitionIncident> = {}): TransitionIncident => ({
  kind: 'transition',
  at: 1_800_000_000_000,
  command: 'reviews',
  from: 'closed',
  to: 'open',
  why: 'all failed',
  forcedBy: null,
  counts: { total: 20, errors: 20, slow: 0 },
  ...changes,
});

export const endpointIncident = (changes: Partial<EndpointIncident> = {}): EndpointIncident => ({
  kind: 'endpoint',
  at: 1_800_000_000_000,
  upstream: 'stock',
  endpoint: '127.0.0.1:9105',
  change: 'passed_over',
  why: 'connect_failed (ECONNRESET), for 1 s',
  ...changes,
});
