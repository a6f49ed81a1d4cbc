import type { Clock } from './clock.ts';
import { type Timeout, TimeoutQueue } from './timeout-queue.ts';

/** A server says how long it keeps a connection; we let go this much earlier, so that both do not meet. */
const KEEP_ALIVE_MARGIN_MS = 1000;

/** How long a pool keeps idle connections: its own time, or a shorter one that a server asks for. */
export class KeptTimeouts {
  readonly #clock: Clock;
  readonly #own: TimeoutQueue;
  /** For servers that keep connections shorter than we would; few different values occur. */
  readonly #shorter = new Map<number, TimeoutQueue>();

  constructor(clock: Clock, idleMs: number) {
    this.#clock = clock;
    this.#own = new TimeoutQueue(clock, idleMs);
  }

  /** Milliseconds for which a connection can be kept, 0 or less for not at all; `keepAliveMs` is -1 where unsaid. */
  keptMs(keepAliveMs: number): number {
    const { durationMs } = this.#own;
    return keepAliveMs < 0 ? durationMs : Math.min(durationMs, keepAliveMs - KEEP_ALIVE_MARGIN_MS);
  }

  /** `keptMs` is above 0; without it, the pool's own time. */
  arm(timeout: Timeout, keptMs = this.#own.durationMs): void {
    this.#queueOf(keptMs).arm(timeout, this.#clock.now());
  }

  close(): void {
    this.#own.close();
    for (const timeouts of this.#shorter.values()) timeouts.close();
  }

  #queueOf(keptMs: number): TimeoutQueue {
    if (keptMs === this.#own.durationMs) return this.#own;
    let queue = this.#shorter.get(keptMs);
    if (queue === undefined) {
      queue = new TimeoutQueue(this.#clock, keptMs);
      this.#shorter.set(keptMs, queue);
    }
    return queue;
  }
}
