/**
 * Who closes what the rig opens: a test's context, or a whole file by `{ after }` of `node:test`. What is opened last is
 * not closed first: every closer works whatever the others have done.
 */
export interface Owner {
  after(close: () => unknown): void;
}

/** A TCP address on this machine. */
export interface RigAddress {
  readonly host: string;
  readonly port: number;
}
