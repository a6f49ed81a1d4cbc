/** A limit on how many there are of something at the same time. */
export class Cap {
  #max: number;
  #open = 0;

  constructor(max: number) {
    this.#max = max;
  }

  get open(): number {
    return this.#open;
  }

  get isFull(): boolean {
    return this.#open >= this.#max;
  }

  /** False when there is no place; then nothing is taken. */
  enter(): boolean {
    if (this.isFull) return false;
    this.#open += 1;
    return true;
  }

  /** Takes another limit over; those who are beyond it stay until they leave. */
  resize(max: number): void {
    this.#max = max;
  }

  leave(): void {
    this.#open -= 1;
  }
}
