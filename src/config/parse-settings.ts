import { buildSettings } from './build-settings.ts';
import { checkShape } from './check-shape.ts';
import type { ReadFiles } from './config-file.ts';
import { Findings } from './findings.ts';
import { fileProblem, inFileOrder, maxProblems, type Problem } from './problem.ts';
import type { Settings } from './settings.ts';
import type { Environment } from './substitution.ts';
import { readTree } from './tree-reader.ts';

export type ParsedSettings =
  | { readonly ok: true; readonly settings: Settings }
  | {
      readonly ok: false;
      readonly problems: readonly Problem[];
      /** As in the settings that did not come to be. */
      readonly bodyFiles: ReadFiles;
    };

/** A value that goes before the file's: `origin` is the flag or variable that it came from. */
export interface Override {
  readonly path: readonly [group: 'admin' | 'egress' | 'log', key: string];
  readonly text: string;
  readonly origin: string;
  /** True: it comes after the file's, in place of the default. */
  readonly isPreset?: boolean;
}

const failed = (file: string, problems: readonly Problem[], bodyFiles: ReadFiles): ParsedSettings => {
  const sorted = problems.toSorted(inFileOrder);
  const rest = sorted.length - maxProblems;
  if (rest <= 0) return { ok: false, problems: sorted, bodyFiles };
  const more = fileProblem(file, rest === 1 ? 'and 1 more problem' : `and ${rest} more problems`);
  return { ok: false, problems: [...sorted.slice(0, maxProblems), more], bodyFiles };
};

/**
 * The configuration in `text` with every default filled in, or everything that is wrong with it. `file` names it in
 * messages, and `bodyFile`s are searched beside it. Never throws.
 */
export const parseSettings = (
  text: string,
  file: string,
  env: Environment,
  overrides: readonly Override[] = [],
): ParsedSettings => {
  const tree = readTree(text, file, env);
  if (Array.isArray(tree)) return failed(file, tree, new Map());
  for (const { path, text: value, origin, isPreset } of overrides) {
    const root = tree.value as Record<string, Record<string, unknown>>;
    if (root === null || typeof root !== 'object' || Array.isArray(root)) break;
    const [group, key] = path;
    root[group] ??= Object.create(null) as Record<string, unknown>;
    if (isPreset === true && Object.hasOwn(root[group], key)) continue;
    const place = { file: origin, line: 0, column: 0 };
    if (typeof root[group] === 'object') root[group][key] = value;
    tree.locations.set(path, place, place);
  }
  const shape = checkShape(tree.value, tree.locations);
  const findings = new Findings(tree.locations, shape.refused);
  const settings = buildSettings(shape.written, file, findings);
  const problems = [...tree.problems, ...shape.problems, ...findings.problems];
  return problems.length === 0 ? { ok: true, settings } : failed(file, problems, settings.bodyFiles);
};
