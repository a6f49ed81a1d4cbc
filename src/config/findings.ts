import type { Locations } from './locations.ts';
import { formatPath, type Path, type Problem } from './problem.ts';

const startsWith = (path: Path, start: Path): boolean =>
  start.length <= path.length && start.every((part, index) => part === path[index]);

/** Collects what is wrong with the meaning of a configuration whose shape was checked before. */
export class Findings {
  readonly #locations: Locations;
  readonly #refused: readonly Path[];
  readonly problems: Problem[] = [];

  /** `refused`: what was left out because of an earlier problem, so that nothing can be concluded from its absence. */
  constructor(locations: Locations, refused: readonly Path[]) {
    this.#locations = locations;
    this.#refused = refused;
  }

  /** Says that `path` is wrong; silent when that depends, through `involved`, on something that was refused itself. */
  add(path: Path, message: string, hint = '', involved: readonly Path[] = []): void {
    if ([path, ...involved].some((each) => this.#isDoubtful(each))) return;
    this.problems.push({ ...this.#locations.ofValue(path), path: formatPath(path), message, hint });
  }

  #isDoubtful(path: Path): boolean {
    return this.#refused.some((refused) => startsWith(path, refused) || startsWith(refused, path));
  }
}
