import * as v from 'valibot';
import { type Kind, refusing } from './kinds.ts';

/** One key: the schema, the defaults, the reference page and the hints are all made from these rows. */
export interface Row<T> {
  readonly kind: Kind<T>;
  readonly fallback: T;
  /** The default as the page shows it; null: it is written as the kind writes it. */
  readonly fallbackText: string | null;
  readonly meaning: string;
  /** True: the value must be there. */
  readonly isRequired: boolean;
  /** True: recognised only to be refused, so the page lists it apart. */
  readonly isRefused: boolean;
}

/** Keys by name. */
export interface Group {
  readonly [key: string]: Row<unknown> | Group;
}

/** True for a row, false for a group of rows. */
export const isRow = (node: Row<unknown> | Group): node is Row<unknown> => 'fallbackText' in node;

/** What a file may hold of a group: any part of it. */
export type Written<G> = {
  readonly [K in keyof G]?: G[K] extends Row<infer T> ? T : Written<G[K]>;
};

/** A group with every default filled in. */
export type Complete<G> = {
  readonly [K in keyof G]: G[K] extends Row<infer T> ? T : Complete<G[K]>;
};

/** The way to each row of a group, in the order of the group. */
export const pathsOf = (group: Group, before: readonly string[] = []): readonly (readonly string[])[] =>
  Object.entries(group).flatMap(([name, node]) => {
    const path = [...before, name];
    return isRow(node) ? [path] : pathsOf(node, path);
  });

/** What a mapping, keyed as a group is, holds at a path; undefined: nothing. */
export const valueAt = (values: unknown, path: readonly string[]): unknown => {
  let node = values;
  for (const part of path) node = (node as Readonly<Record<string, unknown>> | undefined)?.[part];
  return node;
};

/** `fallback` in the words of the file; one that its own kind refuses is a defect of the table. */
export const key = <T>(kind: Kind<T>, fallback: unknown, meaning: string): Row<T> => ({
  kind,
  fallback: v.parse(kind.schema, fallback),
  fallbackText: null,
  meaning,
  isRequired: false,
  isRefused: false,
});

/** A key whose default is not a value of its kind. */
export const optional = <T>(kind: Kind<T>, fallbackText: string, meaning: string): Row<T | null> => ({
  // The null never comes out of a file, only out of its absence.
  kind: kind as unknown as Kind<T | null>,
  fallback: null,
  fallbackText,
  meaning,
  isRequired: false,
  isRefused: false,
});

/** A key that must be written. */
export const required = (kind: Kind<string>, meaning: string): Row<string> => ({
  kind,
  fallback: '',
  fallbackText: 'must be written',
  meaning,
  isRequired: true,
  isRefused: false,
});

/** A key that is recognised so that it can be refused in so many words, and never be ignored. */
export const refusedKey = (why: string, meaning: string): Row<never> => ({
  kind: refusing(why),
  // Never read: there is no such value.
  fallback: undefined as never,
  fallbackText: 'none',
  meaning,
  isRequired: false,
  isRefused: true,
});
