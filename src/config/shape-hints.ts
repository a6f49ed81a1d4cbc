import * as v from 'valibot';
import { type Path, quote } from './problem.ts';
import { isRow } from './rows.ts';
import { groupAt } from './vocabulary.ts';

/** The key that people mean who write a value where a group of keys belongs. */
const mainKeys: Readonly<Record<string, string>> = {
  admin: 'address',
  backoff: 'base',
  breaker: 'errorPercent',
  budget: 'percent',
  bulkhead: 'concurrency',
  drain: 'deadline',
  egress: 'address',
  failure: 'status',
  log: 'level',
  match: 'path',
  pool: 'connectionsPerEndpoint',
  retry: 'attempts',
  timeout: 'total',
};

/** How to say that a policy is not wanted. */
const withoutPolicy: Readonly<Record<string, string>> = {
  breaker: 'breaker: { force: closed }',
  bulkhead: 'bulkhead: { concurrency: unlimited }',
  retry: 'retry: { attempts: 1 }',
  timeout: 'timeout: { total: unlimited }',
};

/** What to write instead of a value that is no mapping. */
export const mappingHint = (path: Path, value: unknown): string => {
  const name = String(path.at(-1) ?? '');
  if (Array.isArray(value)) return 'keys with their values, without dashes';
  const isOff = value === false || value === 'off' || value === 'none';
  if (isOff && Object.hasOwn(withoutPolicy, name)) return `write ${withoutPolicy[name]}`;
  if (name === 'tls' && value === true) return 'write tls: {}';
  if (path[0] === 'upstreams' && path.length === 2 && typeof value === 'string') {
    return `write ${name}: { endpoints: [${quote(value)}] }`;
  }
  const group = groupAt(path);
  const main = Object.hasOwn(mainKeys, name) ? mainKeys[name]! : '';
  const row = group?.[main];
  if (row !== undefined && isRow(row)) {
    // A number alone may be a duration whose unit is missing; most people mean seconds.
    const meant = [value, `${String(value)}s`].find((each) => v.is(row.kind.schema, each));
    if (meant !== undefined) return `write ${name}: { ${main}: ${String(meant)} }`;
  }
  const known = Object.keys(group ?? {});
  return known.length === 0 ? 'names, each with its settings' : `keys with their values: ${known.join(', ')}`;
};

/** What to write instead of a value that is no list. */
export const listHint = (path: Path, value: unknown): string => {
  if (typeof value === 'object') return 'a list: a dash before each item';
  const items = typeof value === 'string' ? value.split(/[\s,]+/).filter((item) => item !== '') : [value];
  const shown = items.slice(0, 4).map((item) => JSON.stringify(item));
  if (items.length > 4 || shown.join('').length > 100) return 'a list: a dash before each item';
  return `write ${String(path.at(-1) ?? '')}: [${shown.join(', ')}]`;
};
