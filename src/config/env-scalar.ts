/**
 * A value in which something from the environment was put, in quotes or not (JSON and flow mappings need quotes). Keys
 * that want text take `text`, so that a password of digits stays what it is; all others take `value`, which is what YAML
 * makes of the same text without quotes.
 */
export class EnvScalar {
  /** As the file has it, with the references: what messages show. */
  readonly written: string;
  readonly text: string;
  readonly value: unknown;

  constructor(written: string, text: string, value: unknown) {
    this.written = written;
    this.text = text;
    this.value = value;
  }
}
