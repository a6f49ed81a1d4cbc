import type { Complete, Group, Written } from './rows.ts';
import { isRow } from './rows.ts';

/** The defaults of a group of keys. */
export const defaultsOf = <G extends Group>(group: G): Complete<G> => {
  const values: Record<string, unknown> = {};
  for (const [key, node] of Object.entries(group))
    values[key] = isRow(node) ? node.fallback : defaultsOf(node);
  return values as Complete<G>;
};

/**
 * `base` with what was written put over it, key by key at every depth of the table. Lists and header fields are single
 * values: what is written replaces them.
 */
export const fillIn = <G extends Group>(
  group: G,
  base: Complete<G>,
  written: Written<G> | undefined,
): Complete<G> => {
  if (written === undefined) return base;
  const below = base as Record<string, unknown>;
  const above = written as Record<string, unknown>;
  const values: Record<string, unknown> = {};
  for (const [key, node] of Object.entries(group)) {
    if (isRow(node)) values[key] = above[key] === undefined ? below[key] : above[key];
    else values[key] = fillIn(node, below[key] as Complete<Group>, above[key] as Written<Group> | undefined);
  }
  return values as Complete<G>;
};
