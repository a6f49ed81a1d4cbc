import type { PolicySettings } from '../policy/policies.ts';
import type { PoolSettings } from '../upstream/sources.ts';
import { describeOnePolicy } from './describe-settings.ts';
import { type LayerOrigins, layerId, type Place, type PolicyOrigins, replayKey } from './policy-origins.ts';
import type { Path } from './problem.ts';
import { valueAt } from './rows.ts';
import type { RouteSettings, Settings, UpstreamSettings } from './settings.ts';
import { policyPaths } from './written-places.ts';

type LayerName = 'route' | 'upstream' | 'defaults';

/** One value of a policy that is in force, and who wrote it. */
export interface PolicyValue {
  readonly key: string;
  /** In the words of the file, on one line; a long one is cut. */
  readonly value: string;
  /** Whose writing holds; `limits`: that of `limits.replay`. */
  readonly layer: LayerName | 'limits' | 'built in';
  /** `outrigger.yaml:12:14`; null: nobody wrote it. */
  readonly place: string | null;
}

/** A command, as far as its policy depends on it. `route` is empty for what no route matches. */
export interface PolicyOwner {
  readonly upstream: string;
  readonly route: string;
  readonly isUnlisted: boolean;
}

interface Layer extends LayerOrigins {
  readonly name: LayerName;
}

/** The policy of a command, and the layers that it was merged from, the nearest first. */
interface Composition {
  readonly policy: PolicySettings;
  readonly pool: PoolSettings;
  readonly layers: readonly Layer[];
  /** Those that had a say in its bulkhead: a route that writes none shares its upstream's. */
  readonly bulkheadLayers: readonly Layer[];
}

interface Origin {
  readonly layer: PolicyValue['layer'];
  readonly place: Place | null;
}

const builtIn: Origin = { layer: 'built in', place: null };

const layerAt = ({ layers }: PolicyOrigins, name: LayerName, path: Path): Layer => ({
  name,
  ...layers.get(layerId(path))!,
});

const ofUnlisted = ({ unlistedPolicy, unlistedPool, origins }: Settings): Composition => {
  const layers = [layerAt(origins, 'defaults', ['defaults'])];
  return { policy: unlistedPolicy, pool: unlistedPool, layers, bulkheadLayers: layers };
};

const ofUpstream = ({ origins }: Settings, { name, policy, pool }: UpstreamSettings): Composition => {
  const layers = [
    layerAt(origins, 'upstream', ['upstreams', name]),
    layerAt(origins, 'defaults', ['defaults']),
  ];
  return { policy, pool, layers, bulkheadLayers: layers };
};

const ofRoute = (settings: Settings, upstream: UpstreamSettings, route: RouteSettings): Composition => {
  const inherited = ofUpstream(settings, upstream);
  const path = ['upstreams', upstream.name, 'routes', upstream.routes.indexOf(route)];
  const layers = [layerAt(settings.origins, 'route', path), ...inherited.layers];
  if (route.hasOwnBulkhead) return { ...inherited, policy: route.policy, layers, bulkheadLayers: layers };
  const { bulkhead } = inherited.policy;
  return { ...inherited, policy: { ...route.policy, bulkhead }, layers };
};

const compositionOf = (settings: Settings, owner: PolicyOwner): Composition | null => {
  if (owner.isUnlisted) return ofUnlisted(settings);
  const upstream = settings.upstreams.find(({ name }) => name === owner.upstream);
  if (upstream === undefined) return null;
  if (owner.route === '') return ofUpstream(settings, upstream);
  const route = upstream.routes.find(({ name }) => name === owner.route);
  return route === undefined ? null : ofRoute(settings, upstream, route);
};

/** The nearest layer that wrote a key, or that holds its value to a limit. */
const originOf = (wanted: string, layers: readonly Layer[], replay: Place | null): Origin => {
  for (const [index, { name, written, lowered }] of layers.entries()) {
    const place = written.find(({ key }) => key === wanted);
    if (place !== undefined) return { layer: name, place };
    const limit = lowered.get(wanted);
    if (limit === replayKey) return { layer: 'limits', place: replay };
    // From here outwards: what a nearer layer says of the limit did not lower this value.
    if (limit !== undefined) return originOf(limit, layers.slice(index), replay);
  }
  return builtIn;
};

const bodyKeys: readonly string[] = ['fallback.body', 'fallback.bodyFile'];

/** The file that the fallback's body comes from; null: none. The nearest layer that writes either key decides. */
const bodyFileOf = (layers: readonly Layer[]): string | null =>
  layers.find(({ written }) => written.some(({ key }) => bodyKeys.includes(key)))?.bodyFile ?? null;

/** Nobody reads more of a value in a table. */
const maxLength = 200;

const inWords = (value: unknown): string => {
  if (value === '') return 'empty';
  if (value === null || typeof value !== 'object') return String(value);
  const parts = Array.isArray(value)
    ? value.map(String)
    : Object.entries(value).map(([name, field]) => `${name}: ${field}`);
  return parts.length === 0 ? 'none' : parts.join(', ');
};

const oneLine = (text: string): string => {
  const line = text.slice(0, maxLength).replace(/\s+/g, ' ');
  return text.length > maxLength ? `${line}…` : line;
};

/**
 * The policy of a command: each key that is in force, in the order of the reference page, and where its value was
 * written. What belongs to the upstream (pool, retry budget, the bulkhead of a route that writes none) is shown for its
 * routes too. Of `fallback.body` and `fallback.bodyFile`, which displace each other, the one that holds is listed; a
 * bulkhead without a queue has no `queueTimeout`. null: the settings have no such command.
 */
export const policyLines = (settings: Settings, owner: PolicyOwner): readonly PolicyValue[] | null => {
  const composition = compositionOf(settings, owner);
  if (composition === null) return null;
  const { policy, pool, layers, bulkheadLayers } = composition;
  const { file, replay } = settings.origins;
  const described = describeOnePolicy(settings, policy, pool);
  const bodyFile = bodyFileOf(layers);
  const lines: PolicyValue[] = [];
  for (const { key, path } of policyPaths) {
    const isTheFile = key === 'fallback.bodyFile';
    const value = isTheFile ? (bodyFile ?? undefined) : valueAt(described, path);
    const isDisplaced = key === 'fallback.body' && bodyFile !== null;
    if (value === undefined || isDisplaced) continue;
    const { layer, place } = originOf(key, path[0] === 'bulkhead' ? bulkheadLayers : layers, replay);
    const where = place === null ? null : `${file}:${place.line}:${place.column}`;
    lines.push({ key, value: oneLine(inWords(value)), layer, place: where });
  }
  return lines;
};
