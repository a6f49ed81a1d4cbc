import { idOf, type Location, type Path } from './problem.ts';

interface Place {
  readonly key: Location;
  readonly value: Location;
}

/** Where each key and value of a configuration was written, and which came from the environment, found by path. */
export class Locations {
  readonly #places = new Map<string, Place>();
  readonly #references = new Map<string, string>();
  readonly #start: Location;

  constructor(file: string) {
    this.#start = { file, line: 1, column: 1 };
  }

  set(path: Path, key: Location, value: Location): void {
    this.#places.set(idOf(path), { key, value });
  }

  /** Says that the value was `written` with a reference to the environment. */
  setReference(path: Path, written: string): void {
    this.#references.set(idOf(path), written);
  }

  /** The value as it was written, where something from the environment was put into it; else null. */
  referenceAt(path: Path): string | null {
    return this.#references.get(idOf(path)) ?? null;
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
