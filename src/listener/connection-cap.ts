/** A limit that several listeners share. */
export class ConnectionCap {
  readonly #max: number;
  #open = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get open(): number {
    return this.#open;
  }

  /** False when there is no place; then nothing is taken. */
  enter(): boolean {
    if (this.#open >= this.#max) return false;
    this.#open += 1;
    return true;
  }

  leave(): void {
    this.#open -= 1;
  }
}
