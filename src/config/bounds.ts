import type { Findings } from './findings.ts';
import type { Path } from './problem.ts';
import { type Complete, type Group, valueAt, type Written } from './rows.ts';
import { formatDuration, formatSize } from './units.ts';

/** `key` must not exceed `limit`; both are paths within the same group. */
export interface Bound {
  readonly key: readonly string[];
  readonly limit: readonly string[];
  readonly format: (value: number) => string | number;
  /** True where Infinity in `key` means "whatever the limit is" or "off", which exceeds nothing. */
  readonly isOffAllowed: boolean;
}

const bound = (key: string, limit: string, format: Bound['format'], isOffAllowed = false): Bound => ({
  key: key.split('.'),
  limit: limit.split('.'),
  format,
  isOffAllowed,
});

const plain = (value: number): number => value;

/** In this order, because a limit may have been lowered itself. */
export const policyBounds: readonly Bound[] = [
  bound('timeout.total', 'timeout.body', formatDuration),
  bound('timeout.connect', 'timeout.total', formatDuration),
  bound('timeout.attempt', 'timeout.total', formatDuration, true),
  bound('bulkhead.queueTimeout', 'timeout.total', formatDuration),
  bound('breaker.slowerThan', 'timeout.total', formatDuration, true),
  bound('breaker.slowerThan', 'timeout.attempt', formatDuration, true),
  bound('retry.backoff.base', 'retry.backoff.max', formatDuration),
  bound('pool.maxIdle', 'pool.connectionsPerEndpoint', plain),
];

export const globalBounds: readonly Bound[] = [
  bound('limits.requestLine', 'limits.requestHead', formatSize),
  bound('drain.idleExit', 'drain.deadline', formatDuration),
  bound('admin.maxStreams.hystrix', 'admin.maxStreams.all', plain),
];

type Values = Readonly<Record<string, unknown>>;

const numberAt = (values: unknown, path: readonly string[]): number => valueAt(values, path) as number;

const withValue = (values: Values, path: readonly string[], value: number): Values => {
  const [first, ...rest] = path as [string, ...string[]];
  return { ...values, [first]: rest.length === 0 ? value : withValue(values[first] as Values, rest, value) };
};

/**
 * Holds every key to its limit. One that was written here and exceeds it is an error; one that was inherited is lowered,
 * so that whoever shortens the total need not repeat all that depends on it.
 */
export const keepWithin = <G extends Group>(
  bounds: readonly Bound[],
  path: Path,
  written: Written<G>,
  inForce: Complete<G>,
  findings: Findings,
): Complete<G> => {
  let values = inForce as Values;
  for (const { key, limit, format, isOffAllowed } of bounds) {
    const value = numberAt(values, key);
    const most = numberAt(values, limit);
    if (value <= most || (isOffAllowed && value === Number.POSITIVE_INFINITY)) continue;
    if (valueAt(written, key) === undefined) {
      values = withValue(values, key, most);
      continue;
    }
    const shown = value === Number.POSITIVE_INFINITY ? 'unlimited' : format(value);
    const limitKey = limit.join('.');
    const message = `${shown} is more than ${limitKey}, which is ${format(most)}`;
    findings.add([...path, ...key], message, `lower it, or raise ${limitKey}`, [[...path, ...limit]]);
  }
  return values as Complete<G>;
};

const nothing: ReadonlyMap<string, string> = new Map();

/** What `keepWithin` lowered: by the key of each such value, the key of the limit that it was lowered to. */
export const loweredKeys = (
  bounds: readonly Bound[],
  before: unknown,
  after: unknown,
): ReadonlyMap<string, string> => {
  if (before === after) return nothing;
  const lowered = new Map<string, string>();
  for (const { key, limit } of bounds) {
    const value = numberAt(after, key);
    // Where a key has two limits, the one that holds it is the one that it equals.
    if (value === numberAt(before, key) || value !== numberAt(after, limit)) continue;
    lowered.set(key.join('.'), limit.join('.'));
  }
  return lowered;
};
