import { globalKeys } from './global-keys.ts';
import { didYouMean, fold, nearest } from './nearest.ts';
import { policyKeys } from './policy-keys.ts';
import { formatPath, type Path } from './problem.ts';
import { type Group, isRow } from './rows.ts';
import { synonyms } from './synonyms.ts';
import { routeKeys, upstreamKeys } from './upstream-keys.ts';
import { groupAt } from './vocabulary.ts';

/** A table, and what its keys stand under. */
interface Scope {
  readonly owners: readonly string[];
  readonly table: Group;
  /** What comes before its keys in the table of synonyms. */
  readonly prefix: string;
}

const file: Scope = { owners: [''], table: { ...globalKeys, defaults: {}, upstreams: {} }, prefix: '' };
const anyPolicy: Scope = { owners: ['defaults', 'upstreams.NAME'], table: policyKeys, prefix: '' };

const upstreamScope = (owner: string): Scope => ({
  owners: [owner],
  table: { ...upstreamKeys, routes: {} },
  prefix: '',
});
const routeScope = (owner: string): Scope => ({ owners: [owner], table: routeKeys, prefix: 'routes.' });

/** Where a key might belong that stands at `path`, the nearest first; and how much of the path is the first's owner. */
const scopesAround = (path: Path): { readonly scopes: readonly Scope[]; readonly depth: number } => {
  const [top, , inUpstream] = path;
  if (top === 'defaults') {
    const scopes = [{ ...anyPolicy, owners: ['defaults'] }, file, upstreamScope('upstreams.NAME')];
    return { scopes, depth: 1 };
  }
  if (top !== 'upstreams' || path.length < 3) {
    const scopes = [file, anyPolicy, upstreamScope('upstreams.NAME'), routeScope('upstreams.NAME.routes[]')];
    return { scopes, depth: 0 };
  }
  const owner = formatPath(path.slice(0, 2));
  const isRoute = inUpstream === 'routes' && path.length > 4;
  const around = [upstreamScope(owner), routeScope(`${owner}.routes[]`), file];
  if (!isRoute) return { scopes: around, depth: 2 };
  return { scopes: [routeScope(formatPath(path.slice(0, 4))), upstreamScope(owner), file], depth: 4 };
};

/** The groups of a table in which a key of this name stands, as dotted paths; `''` for the table itself. */
const groupsWith = (table: Group, folded: string, at = ''): string[] => {
  const found: string[] = [];
  for (const [key, node] of Object.entries(table)) {
    if (fold(key) === folded && !(isRow(node) && node.isRefused)) found.push(at);
    if (!isRow(node)) found.push(...groupsWith(node, folded, at === '' ? key : `${at}.${key}`));
  }
  return found;
};

const hasPath = (table: Group, path: string): boolean => {
  let node: Group[string] | undefined = table;
  for (const part of path.split('.')) node = node === undefined || isRow(node) ? undefined : node[part];
  return node !== undefined;
};

const join = (owner: string, path: string): string => [owner, path].filter((each) => each !== '').join('.');

const quoteAll = (places: readonly string[]): string => places.map((place) => `"${place}"`).join(' or ');

/** From the owner itself, its name goes without saying. */
const placesOf = (scope: Scope, isOwner: boolean, path: string): string[] =>
  isOwner && path !== '' ? [path] : scope.owners.map((owner) => join(owner, path));

const elsewhere = (path: Path, folded: string): string => {
  const { scopes, depth } = scopesAround(path);
  for (const [index, scope] of scopes.entries()) {
    const isOwner = index === 0 && path.length === depth + 1;
    const places = groupsWith(scope.table, folded).flatMap((group) => placesOf(scope, isOwner, group));
    if (places.length > 0) {
      return places[0] === '' ? 'it belongs at the top of the file' : `it belongs under ${quoteAll(places)}`;
    }
  }
  return '';
};

const byAnotherName = (path: Path, folded: string): string => {
  const names = Object.hasOwn(synonyms, folded) ? synonyms[folded]! : [];
  const { scopes, depth } = scopesAround(path);
  const here = path.slice(depth, -1).join('.');
  for (const [index, scope] of scopes.entries()) {
    const inScope = names
      .filter((name) => name.startsWith(scope.prefix))
      .map((name) => name.slice(scope.prefix.length))
      .filter((name) => hasPath(scope.table, name));
    if (inScope.length === 0) continue;
    const isHere = index === 0 && inScope.every((name) => join(here, name.split('.').at(-1)!) === name);
    if (isHere) return `did you mean ${quoteAll(inScope.map((name) => name.split('.').at(-1)!))}?`;
    const isOwner = index === 0 && here === '';
    return `here it is called ${quoteAll(inScope.flatMap((name) => placesOf(scope, isOwner, name)))}`;
  }
  return '';
};

const keysOf = (table: Group): string[] =>
  Object.entries(table).flatMap(([key, node]) => (isRow(node) ? [key] : [key, ...keysOf(node)]));

/** Misspelled, and in the wrong place as well. */
const nearElsewhere = (path: Path, key: string): string => {
  const { scopes } = scopesAround(path);
  const meant = nearest(
    key,
    scopes.flatMap((scope) => keysOf(scope.table)),
  );
  return meant === null ? '' : `did you mean "${meant}"? ${elsewhere(path, fold(meant))}`;
};

/** What was probably meant by a key that is not known where it stands. */
export const keyHint = (path: Path): string => {
  const key = String(path.at(-1) ?? '');
  const known = Object.keys(groupAt(path.slice(0, -1)) ?? {});
  const folded = fold(key);
  const spelled = known.find((each) => fold(each) === folded);
  if (spelled !== undefined) return `did you mean "${spelled}"?`;
  if (hasPath(groupAt(path.slice(0, -1)) ?? {}, key)) {
    const parts = key.split('.');
    return `write ${parts.join(': { ')}: ...${' }'.repeat(parts.length - 1)}`;
  }
  const moved = byAnotherName(path, folded) || elsewhere(path, folded);
  if (moved !== '' || nearest(key, known) !== null) return moved || didYouMean(key, known);
  return nearElsewhere(path, key) || didYouMean(key, known);
};
