import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { ManifestError } from './complaint.ts';
import { contentStart } from './node-places.ts';

/** The pair with this key in the mapping itself; null: there is none. */
export const pairOf = (map: YAMLMap, key: string): Pair | null => {
  const pairs = map.items.filter((pair) => isScalar(pair.key) && pair.key.value === key);
  if (pairs.length > 1) throw new ManifestError(contentStart(pairs[1]), `has ${key} twice`, 'remove one');
  return pairs[0] ?? null;
};

/** What an alias stands for; all else is itself. */
const resolved = (document: Document, node: unknown): Node | null => {
  if (isAlias(node)) return node.resolve(document) ?? null;
  return isNode(node) ? node : null;
};

/** The mappings that `<<` takes keys from. */
const mergedInto = (document: Document, map: YAMLMap): YAMLMap[] => {
  const pair = map.items.find(
    ({ key }) => isScalar(key) && (key.value === '<<' || typeof key.value === 'symbol'),
  );
  const source = resolved(document, pair?.value);
  const sources = isSeq(source) ? source.items.map((item) => resolved(document, item)) : [source];
  return sources.filter((each) => isMap(each));
};

/** How many merges within merges are followed. */
const maxMerges = 10;

/** The value of a key, from the mapping or from what is merged into it; null: there is none, or it is null. */
export const nodeAt = (document: Document, map: YAMLMap, key: string, merges = 0): Node | null => {
  const pair = pairOf(map, key);
  if (pair !== null) {
    const node = resolved(document, pair.value);
    return isScalar(node) && node.value === null ? null : node;
  }
  if (merges === maxMerges) return null;
  for (const source of mergedInto(document, map)) {
    const node = nodeAt(document, source, key, merges + 1);
    if (node !== null) return node;
  }
  return null;
};

/** The mapping that a key holds; null where there is none. Throws {@link ManifestError} for anything else. */
export const mapOf = (document: Document, map: YAMLMap, key: string): YAMLMap | null => {
  const node = nodeAt(document, map, key);
  if (node === null || isMap(node)) return node;
  throw new ManifestError(contentStart(node), `${key} is not a mapping`);
};

/** The sequence that a key holds; null: there is none, or it is empty. Throws {@link ManifestError} for anything else. */
export const seqOf = (document: Document, map: YAMLMap, key: string): YAMLSeq | null => {
  const node = nodeAt(document, map, key);
  if (node === null || isSeq(node)) return node === null || node.items.length === 0 ? null : node;
  throw new ManifestError(contentStart(node), `${key} is not a list`);
};

/** The mappings in a sequence. Throws {@link ManifestError} for anything else in it. */
export const mapsIn = (document: Document, seq: YAMLSeq | null): YAMLMap[] =>
  (seq?.items ?? []).map((item) => {
    const node = resolved(document, item);
    if (isMap(node)) return node;
    throw new ManifestError(contentStart(item), 'is not a mapping');
  });

/** The text that a key holds; null where there is none, or no text. */
export const textOf = (document: Document, map: YAMLMap, key: string): string | null => {
  const node = nodeAt(document, map, key);
  return isScalar(node) && typeof node.value === 'string' ? node.value : null;
};
