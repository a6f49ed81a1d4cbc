import type { Locations } from './locations.ts';
import { formatPath, idOf, type Location, type Path, type Problem, quote } from './problem.ts';

/** A path and all that it lies in. */
const withAncestors = (path: Path): string[] =>
  Array.from({ length: path.length + 1 }, (_, length) => idOf(path.slice(0, length)));

/** Collects what is wrong with the meaning of a configuration whose shape was checked before. */
export class Findings {
  readonly #locations: Locations;
  readonly #refused: ReadonlySet<string>;
  readonly #aroundRefused: ReadonlySet<string>;
  readonly problems: Problem[] = [];

  /** `refused`: what was left out because of an earlier problem, so that nothing can be concluded from its absence. */
  constructor(locations: Locations, refused: readonly Path[]) {
    this.#locations = locations;
    // Found by name, not by comparing each with each: a hostile file has thousands of both.
    this.#refused = new Set(refused.map(idOf));
    this.#aroundRefused = new Set(refused.flatMap(withAncestors));
  }

  /** Says that `path` is wrong; silent when that depends, through `involved`, on something that was refused itself. */
  add(path: Path, message: string, hint = '', involved: readonly Path[] = []): void {
    if ([path, ...involved].some((each) => this.#isDoubtful(each))) return;
    this.problems.push({ ...this.#locations.ofValue(path), path: formatPath(path), message, hint });
  }

  /** `text`, which stands at `path`, as a message may show it: the reference, where it came from the environment. */
  shown(path: Path, text: string): string {
    const reference = this.#locations.referenceAt(path);
    return reference === null ? text : quote(reference);
  }

  /** True for a value that came from the environment, at least in part. */
  isForeign(path: Path): boolean {
    return this.#locations.referenceAt(path) !== null;
  }

  /** Where the value at `path` was written. */
  placeOf(path: Path): Location {
    return this.#locations.ofValue(path);
  }

  #isDoubtful(path: Path): boolean {
    return this.#aroundRefused.has(idOf(path)) || withAncestors(path).some((id) => this.#refused.has(id));
  }
}
