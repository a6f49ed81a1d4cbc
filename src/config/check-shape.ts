import * as v from 'valibot';
import { EnvScalar } from './env-scalar.ts';
import { keyHint } from './key-hints.ts';
import { notAList } from './kinds.ts';
import type { Locations } from './locations.ts';
import { formatPath, inFileOrder, maxProblems, type Path, type Problem, quote } from './problem.ts';
import { listHint, mappingHint } from './shape-hints.ts';
import { configSchema, type WrittenConfig } from './vocabulary.ts';

/** What could be made of a file, and what was wrong with the rest. */
export interface Shape {
  readonly written: WrittenConfig;
  readonly problems: readonly Problem[];
  /** Paths of what was left out because of a problem. */
  readonly refused: readonly Path[];
}

type Issue = v.BaseIssue<unknown>;

const pathOf = (issue: Issue): Path => issue.path?.map((item) => item.key as string | number) ?? [];

/** True for an issue with the key itself: one that is not known, or missing, or a name that cannot be used. */
const isAboutKey = (issue: Issue): boolean => issue.type === 'never' || issue.path?.at(-1)?.origin === 'key';

const isMissing = (issue: Issue): boolean =>
  issue.type === 'object_with_rest' && issue.received === 'undefined';

const describe = (issue: Issue, path: Path): { message: string; hint: string } => {
  if (issue.type === 'never') {
    return { message: `unknown key "${String(path.at(-1))}"`, hint: keyHint(path) };
  }
  if (isMissing(issue)) return { message: 'is missing', hint: 'it must be written' };
  if (issue.type === 'custom') {
    const value = issue.input;
    if (value === null)
      return { message: 'has no value', hint: 'write {} or [] for an empty one, or leave it out' };
    const hint = issue.message === notAList ? listHint : mappingHint;
    const isForeign = value instanceof EnvScalar;
    return {
      message: `${quote(value)} ${issue.message}`,
      hint: isForeign ? 'a reference stands for a single value' : hint(path, value),
    };
  }
  return { message: issue.message, hint: issue.kind === 'transformation' ? (issue.expected ?? '') : '' };
};

/** Only as many are put into words as will be shown: hints take time, and a hostile file has thousands of mistakes. */
const tell = (issues: readonly Issue[], locations: Locations): Problem[] =>
  issues
    .map((issue) => {
      const path = pathOf(issue);
      const location = isAboutKey(issue) ? locations.ofKey(path) : locations.ofValue(path);
      return { issue, at: path, problem: { ...location, path: formatPath(path) } };
    })
    .toSorted((a, b) => inFileOrder(a.problem, b.problem))
    .map(({ issue, at, problem }, index) => {
      const words = index < maxProblems ? describe(issue, at) : { message: issue.message, hint: '' };
      return { ...problem, ...words };
    });

/** Takes away the key that a path leads to, or the whole list that it leads into; true when it was there. */
const remove = (tree: unknown, path: Path): boolean => {
  let end = path.length;
  while (typeof path[end - 1] === 'number') end -= 1;
  let parent = tree;
  for (const part of path.slice(0, Math.max(0, end - 1))) {
    if (parent === null || typeof parent !== 'object') return false;
    parent = (parent as Record<string | number, unknown>)[part];
  }
  const last = path[end - 1];
  if (parent === null || typeof parent !== 'object' || last === undefined || !(last in parent)) return false;
  return Reflect.deleteProperty(parent, last);
};

/**
 * Checks names, types and ranges. What is wrong is taken out of `tree`, so that the checks that come later can look at
 * all the rest and every problem is told at once.
 */
export const checkShape = (tree: unknown, locations: Locations): Shape => {
  let problems: readonly Problem[] = [];
  const refused: Path[] = [];
  // Taking out a value can leave a mapping without a key that must be there; it goes in the next round, silently.
  for (let round = 0; ; round += 1) {
    const result = v.safeParse(configSchema, tree);
    if (result.success) return { written: result.output as WrittenConfig, problems, refused };
    if (round === 0) problems = tell(result.issues, locations);
    // More than will be shown: what the rest means is of no interest to anybody.
    if (problems.length > maxProblems) return { written: {}, problems, refused };
    let isProgress = false;
    for (const issue of result.issues) {
      const path = pathOf(issue);
      refused.push(path);
      isProgress = remove(tree, isMissing(issue) ? path.slice(0, -1) : path) || isProgress;
    }
    if (!isProgress) return { written: {}, problems, refused };
  }
};
