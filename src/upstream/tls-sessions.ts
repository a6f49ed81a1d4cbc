/** Sessions that are remembered at the same time; beyond that the oldest goes. One takes 1 to 3 KiB. */
const MAX_SESSIONS = 256;
/**
 * A resumed session is believed without another look at the certificate, so each destination shows its certificate at
 * least this often.
 */
const MAX_AGE_MS = 3_600_000;

interface Remembered {
  readonly session: Buffer;
  /** When the certificate was seen; a session that follows from a resumed one inherits it. */
  readonly verifiedAt: number;
}

/** The last session of each destination, by which the next connection saves a part of its handshake (RFC 8446, section 2.2). */
export class TlsSessions {
  readonly #sessions = new Map<string, Remembered>();

  get size(): number {
    return this.#sessions.size;
  }

  /** null: there is none that may still be used. */
  take(destination: string, now: number): Buffer | null {
    const remembered = this.#sessions.get(destination);
    if (remembered === undefined) return null;
    if (now - remembered.verifiedAt < MAX_AGE_MS) return remembered.session;
    this.#sessions.delete(destination);
    return null;
  }

  /** `isResumed`: the connection that it comes from saw no certificate. */
  keep(destination: string, session: Buffer, isResumed: boolean, now: number): void {
    const before = this.#sessions.get(destination);
    // The one that it was resumed from has made room or aged out meanwhile: nobody knows when the certificate was seen.
    if (isResumed && before === undefined) return;
    this.#sessions.delete(destination);
    this.#sessions.set(destination, { session, verifiedAt: isResumed ? before!.verifiedAt : now });
    if (this.#sessions.size <= MAX_SESSIONS) return;
    for (const oldest of this.#sessions.keys()) {
      this.#sessions.delete(oldest);
      return;
    }
  }

  /** For a destination with which a handshake failed. */
  forget(destination: string): void {
    this.#sessions.delete(destination);
  }
}
