import type { Findings } from './findings.ts';
import { policyKeys, type WrittenPolicy } from './policy-keys.ts';
import type { WrittenPlace } from './policy-origins.ts';
import type { Path } from './problem.ts';
import { pathsOf, valueAt } from './rows.ts';

/** Every policy key in the order of the reference page, and the way to it. */
export const policyPaths = pathsOf(policyKeys).map((path) => ({ key: path.join('.'), path }));

/** The places of what a layer, which stands at `layer`, writes of its policy. */
export const placesOf = (
  written: WrittenPolicy,
  layer: Path,
  findings: Findings,
): readonly WrittenPlace[] => {
  const places: WrittenPlace[] = [];
  for (const { key, path } of policyPaths) {
    if (valueAt(written, path) === undefined) continue;
    const { line, column } = findings.placeOf([...layer, ...path]);
    places.push({ key, line, column });
  }
  return places;
};
