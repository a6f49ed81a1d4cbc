/** For how many passes it is remembered which names have gone. */
const rememberedPasses = 60;

/** Texts by name, and in which pass each of them last changed: what somebody has not been told of since a certain pass. */
export class TextsByName {
  readonly #texts = new Map<string, { text: string; pass: number }>();
  readonly #removed = new Map<string, number>();
  /** Before this pass names may have gone that are forgotten. */
  #knownFrom = 0;

  set(name: string, text: string, pass: number): void {
    const known = this.#texts.get(name);
    if (known === undefined) this.#texts.set(name, { text, pass });
    else if (known.text !== text) {
      known.text = text;
      known.pass = pass;
    }
    this.#removed.delete(name);
  }

  /** Only these are left in this pass. */
  keep(names: ReadonlySet<string>, pass: number): void {
    for (const name of this.#texts.keys()) {
      if (names.has(name)) continue;
      this.#texts.delete(name);
      this.#removed.set(name, pass);
    }
    for (const [name, removedIn] of this.#removed) {
      if (removedIn >= pass - rememberedPasses) break;
      this.#removed.delete(name);
      this.#knownFrom = removedIn;
    }
  }

  /** True where {@link removedSince} is all that has gone since then. */
  knowsSince(pass: number): boolean {
    return pass >= this.#knownFrom;
  }

  /** The texts that changed after this pass, with commas between them. */
  changedSince(pass: number): string {
    const changed: string[] = [];
    for (const entry of this.#texts.values()) if (entry.pass > pass) changed.push(entry.text);
    return changed.join();
  }

  /** Names that have gone after this pass, and have not come back. */
  removedSince(pass: number): string[] {
    const removed: string[] = [];
    for (const [name, removedIn] of this.#removed) if (removedIn > pass) removed.push(name);
    return removed;
  }
}
