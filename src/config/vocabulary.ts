import * as v from 'valibot';
import { globalKeys } from './global-keys.ts';
import { list, mapping } from './kinds.ts';
import { policyKeys } from './policy-keys.ts';
import type { Path } from './problem.ts';
import { type Group, isRow, type Written } from './rows.ts';
import { name } from './text-kinds.ts';
import { routeKeys, upstreamKeys } from './upstream-keys.ts';

/** What a file says, checked key by key and with nothing filled in. */
export interface WrittenConfig extends Written<typeof globalKeys> {
  readonly defaults?: Written<typeof policyKeys>;
  readonly upstreams?: Readonly<Record<string, WrittenUpstream>>;
}

export interface WrittenUpstream extends Written<typeof upstreamKeys> {
  readonly routes?: readonly WrittenRoute[];
}

export interface WrittenRoute extends Written<typeof routeKeys> {
  readonly name: string;
}

type Entries = Record<string, v.GenericSchema>;

const section = (entries: Entries) => v.pipe(mapping, v.objectWithRest(entries, v.never()));

const entriesOf = (group: Group): Entries => {
  const entries: Entries = {};
  for (const [key, node] of Object.entries(group)) {
    if (!isRow(node)) entries[key] = v.optional(section(entriesOf(node)));
    else entries[key] = node.isRequired ? node.kind.schema : v.optional(node.kind.schema);
  }
  return entries;
};

const route = section(entriesOf(routeKeys));
const routes = v.pipe(list, v.array(route));
const upstream = section({ ...entriesOf(upstreamKeys), routes: v.optional(routes) });

/** The whole file. Its output is a {@link WrittenConfig}. */
export const configSchema = section({
  ...entriesOf(globalKeys),
  defaults: v.optional(section(entriesOf(policyKeys))),
  upstreams: v.optional(v.pipe(mapping, v.record(name.schema as v.GenericSchema<string, string>, upstream))),
});

/** The table of the keys that a mapping at this path may have; null where any name may stand, or none. */
export const groupAt = (path: Path): Group | null => {
  const [top, , inUpstream] = path;
  let group: Group = { ...globalKeys, defaults: policyKeys, upstreams: {} };
  let rest = path;
  if (top === 'upstreams' && path.length >= 2) {
    const isRoute = inUpstream === 'routes' && path.length >= 4;
    group = isRoute ? routeKeys : { ...upstreamKeys, routes: {} };
    rest = path.slice(isRoute ? 4 : 2);
  }
  for (const part of rest) {
    const node = group[part];
    if (node === undefined || isRow(node)) return null;
    group = node;
  }
  return group;
};
