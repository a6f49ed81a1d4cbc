import { isDeepStrictEqual } from 'node:util';
import type { Settings, UpstreamSettings } from '../config/settings.ts';
import type { UpstreamRoutes } from '../proxy/route.ts';
import type { Commands } from '../telemetry/commands.ts';
import type { BuiltUpstream, PlanBuilder } from './plan-builder.ts';
import type { Registry } from './registry.ts';
import { isSameForWires } from './wire-builder.ts';

/** What a configuration comes to. It never changes: a reload builds another one beside it, and one reference is swapped. */
export interface Runtime {
  readonly settings: Settings;
  readonly upstreams: readonly BuiltUpstream[];
  /** By `host` and by `host:port`, in lower case: what the app calls them. */
  readonly byHost: ReadonlyMap<string, UpstreamRoutes>;
  /** By the upstream's name. */
  readonly byName: ReadonlyMap<string, UpstreamRoutes>;
}

/**
 * Builds what the settings ask for. Upstreams that are as they were in `previous` are the same objects; what has a
 * memory is taken over by name. Nothing here waits or can be refused: who calls this swaps in the same tick.
 */
export const buildRuntime = (builder: PlanBuilder, settings: Settings, previous: Runtime | null): Runtime => {
  const known = new Map(previous?.upstreams.map((built) => [built.settings.name, built]));
  const hasSameLimits = previous !== null && isSameForWires(previous.settings.limits, settings.limits);
  const upstreams = settings.upstreams.map((upstream) => {
    const built = known.get(upstream.name);
    if (built === undefined) return builder.upstream(upstream, settings.limits, null);
    if (hasSameLimits && isDeepStrictEqual(built.settings, upstream)) return built;
    return builder.upstream(upstream, settings.limits, { built, hasSameLimits });
  });
  const byHost = new Map<string, UpstreamRoutes>();
  const byName = new Map<string, UpstreamRoutes>();
  for (const { settings: upstream, routes } of upstreams) {
    byName.set(upstream.name, routes);
    for (const { host, port } of upstream.hosts) byHost.set(port === 0 ? host : `${host}:${port}`, routes);
  }
  return { settings, upstreams, byHost, byName };
};

/** Lets go of what `previous` had and `next` has not. Exchanges that began under `previous` finish under it. */
export const retireRest = (
  previous: Runtime,
  next: Runtime,
  { registry, commands }: { readonly registry: Registry; readonly commands: Commands },
): void => {
  const wires = new Set(next.upstreams.map(({ wire }) => wire));
  for (const { wire } of previous.upstreams) if (!wires.has(wire)) wire.upstream.close();
  const stayingCommands = new Set(next.settings.upstreams.flatMap(commandsOf));
  for (const name of previous.settings.upstreams.flatMap(commandsOf)) {
    if (stayingCommands.has(name)) continue;
    commands.close(name);
    registry.drop(name);
  }
  const stayingBulkheads = new Set(next.settings.upstreams.flatMap(bulkheadsOf));
  for (const name of previous.settings.upstreams.flatMap(bulkheadsOf)) {
    if (!stayingBulkheads.has(name)) registry.dropBulkhead(name);
  }
};

const commandsOf = ({ name, routes }: UpstreamSettings): readonly string[] => [
  name,
  ...routes.map((route) => `${name}.${route.name}`),
];

const bulkheadsOf = ({ name, routes }: UpstreamSettings): readonly string[] => [
  name,
  ...routes.filter(({ hasOwnBulkhead }) => hasOwnBulkhead).map((route) => `${name}.${route.name}`),
];

/** What is new, in words for the log: which upstreams came, went and changed, and which other groups of keys. */
export const changesInWords = (previous: Settings, next: Settings): string => {
  const before = new Map(previous.upstreams.map((upstream) => [upstream.name, upstream]));
  const after = new Set(next.upstreams.map(({ name }) => name));
  const added = next.upstreams.filter(({ name }) => !before.has(name));
  const removed = previous.upstreams.filter(({ name }) => !after.has(name));
  const changed = next.upstreams.filter((upstream) => {
    const known = before.get(upstream.name);
    return known !== undefined && !isDeepStrictEqual(known, upstream);
  });
  const groups = groupsInWords.filter(([key]) => !isDeepStrictEqual(previous[key], next[key]));
  const parts = [
    ...namesInWords('added', added),
    ...namesInWords('removed', removed),
    ...namesInWords('changed', changed),
    ...groups.map(([, words]) => `${words} changed`),
  ];
  return parts.length === 0 ? 'nothing is different' : parts.join('; ');
};

/** As many names are written out; the rest is a number. */
const NAMED = 5;

const namesInWords = (what: string, upstreams: readonly UpstreamSettings[]): readonly string[] => {
  if (upstreams.length === 0) return [];
  const names = upstreams.slice(0, NAMED).map(({ name }) => name);
  const rest = upstreams.length - names.length;
  return [`upstreams ${what}: ${names.join(', ')}${rest === 0 ? '' : ` and ${rest} more`}`];
};

const groupsInWords: readonly (readonly [key: keyof Settings, words: string])[] = [
  ['admin', 'admin'],
  ['egress', 'egress'],
  ['limits', 'limits'],
  ['replayBytes', 'limits.replay'],
  ['unlistedPolicy', 'defaults'],
  ['unlistedPool', 'defaults.pool'],
  ['log', 'log'],
  ['drain', 'drain'],
];
