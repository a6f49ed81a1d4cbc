import type { Failure } from '../policy/outcome.ts';
import type { IpLiteral } from './address-rules.ts';

/** An address that a name leads to. */
export interface ResolvedAddress extends IpLiteral {
  /** The port that the name's records say: for service names alone. */
  readonly port?: number;
}

/**
 * For how much of the answer somebody waits. `brief`: once one family of addresses is there, 50 ms for the other.
 * `thorough`: for both, however long the name servers take. Decision 0018.
 */
export type Patience = 'brief' | 'thorough';

/** Hears how a lookup ended: exactly one call, unless it is cancelled before. */
export interface ResolveObserver {
  /** In the order in which they should be tried; never empty. `ttlMs`: 0–30,000, `Infinity` for what cannot change. */
  resolved(addresses: readonly ResolvedAddress[], ttlMs: number): void;
  failed(failure: Failure): void;
}

/** A lookup under way. */
export interface Lookup {
  /** After this the observer hears nothing. Harmless when it has heard already. */
  cancel(): void;
}
