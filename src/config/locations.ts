import type { Location, Path } from './problem.ts';

interface Place {
  readonly key: Location;
  readonly value: Location;
}

const idOf = (path: Path): string => JSON.stringify(path);

/** Where each key and value of a configuration was written, found by path. */
export class Locations {
  readonly #places = new Map<string, Place>();
  readonly #start: Location;

  constructor(file: string) {
    this.#start = { file, line: 1, column: 1 };
  }

  set(path: Path, key: Location, value: Location): void {
    this.#places.set(idOf(path), { key, value });
  }

  /** Of the key itself; for what was not written, of the nearest thing around it. */
  ofKey(path: Path): Location {
    const place = this.#places.get(idOf(path));
    if (place !== undefined) return place.key;
    return path.length === 0 ? this.#start : this.ofKey(path.slice(0, -1));
  }

  /** Of the value; for what was not written, of the key around it. */
  ofValue(path: Path): Location {
    return this.#places.get(idOf(path))?.value ?? this.ofKey(path);
  }
}
