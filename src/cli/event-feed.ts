import { Board } from '../board/board.js';
import type { Incident, SnapshotEvent, TickEvent } from '../board/stream-events.ts';
import type { Clock } from '../lib/clock.ts';
import { type AdminTarget, adviceFor, askAdmin, unreachable } from './admin-client.ts';
import { EventReader, type ServerSentEvent } from './event-reader.ts';

const firstWaitMs = 500;
const longestWaitMs = 5000;
/** How long a sidecar may take to answer, and be silent, before it counts as gone. */
const patienceMs = 5000;

/** How the feed fares. */
export interface FeedState {
  readonly isLive: boolean;
  /** Since when, on the clock's `now`. */
  readonly since: number;
  /** Why it was lost, and what to do; empty while it is live. */
  readonly why: string;
}

export interface FeedOptions {
  readonly target: AdminTarget;
  readonly clock: Clock;
  /** Hears of every event that has gone into the board, and of every change of state. */
  readonly onChange: () => void;
}

/** `GET /events` read into a board, for as long as somebody wants it: a stream that breaks is taken up again. */
export class EventFeed {
  readonly board = new Board();
  state: FeedState;
  readonly #options: FeedOptions;
  readonly #abort = new AbortController();
  #lastId = '';
  #heardAt = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.state = { isLive: false, since: options.clock.now(), why: '' };
  }

  /** The process's clock now, as far as can be told from here. */
  get nowMs(): number {
    return this.board.nowMs + (this.state.isLive ? this.#options.clock.now() - this.#heardAt : 0);
  }

  /** Resolves with null after {@link close}; with a line of advice when the very first connection fails. */
  async run(): Promise<string | null> {
    let waitMs = firstWaitMs;
    let isFirst = true;
    while (!this.#abort.signal.aborted) {
      const why = await this.#read(() => {
        waitMs = firstWaitMs;
        isFirst = false;
      });
      if (this.#abort.signal.aborted) break;
      if (isFirst) return why;
      this.#become(false, why);
      await this.#pause(waitMs);
      waitMs = Math.min(waitMs * 2, longestWaitMs);
    }
    return null;
  }

  close(): void {
    this.#abort.abort();
  }

  /** Reads one connection to its end and says why it ended. */
  async #read(onSnapshot: () => void): Promise<string> {
    const { target, clock } = this.#options;
    const reader = new EventReader();
    const silence = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, silence.signal]);
    let watch = clock.after(patienceMs, () => silence.abort());
    try {
      const headers = this.#lastId === '' ? {} : { 'last-event-id': this.#lastId };
      const { statusCode, body } = await askAdmin(target, '/events', headers, signal);
      if (statusCode !== 200) {
        body.on('error', () => {}).destroy();
        return adviceFor(statusCode, target);
      }
      for await (const bytes of body) {
        watch.cancel();
        watch = clock.after(patienceMs, () => silence.abort());
        for (const event of reader.read(bytes)) {
          this.#take(event);
          if (event.name === 'snapshot') onSnapshot();
        }
      }
      return `${target.origin} has ended the stream`;
    } catch (error) {
      if (silence.signal.aborted) return `${target.origin} is silent`;
      return unreachable(error, target);
    } finally {
      watch.cancel();
    }
  }

  #take({ name, data, lastId }: ServerSentEvent): void {
    const value: unknown = JSON.parse(data);
    this.#lastId = lastId;
    if (name === 'snapshot') this.board.snapshot(value as SnapshotEvent);
    else if (name === 'tick') this.board.tick(value as TickEvent);
    else this.board.incident(Number(lastId.slice(lastId.lastIndexOf('-') + 1)), value as Incident);
    if (name === 'snapshot' || name === 'tick') this.#heardAt = this.#options.clock.now();
    this.#become(true, '');
  }

  #become(isLive: boolean, why: string): void {
    if (isLive !== this.state.isLive || why !== this.state.why) {
      const since = isLive === this.state.isLive ? this.state.since : this.#options.clock.now();
      this.state = { isLive, since, why };
    }
    this.#options.onChange();
  }

  #pause(ms: number): Promise<void> {
    const { signal } = this.#abort;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(ms, resolve);
    const giveUp = (): void => resolve();
    signal.addEventListener('abort', giveUp);
    return promise.finally(() => {
      timer.cancel();
      // A sidecar that is away for a night is asked for ten thousand times.
      signal.removeEventListener('abort', giveUp);
    });
  }
}
