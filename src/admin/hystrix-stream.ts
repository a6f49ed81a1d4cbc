import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Timer } from '../lib/clock.ts';
import { problem, securityHeaders, sendProblem } from './admin-reply.ts';
import { longestStallMs, type StreamSlots } from './stream-slots.ts';

const tickMs = 500;
const longestDelayMs = 10_000;

/** As Hystrix's servlet sends them, capitals and all. */
const streamHeaders = {
  ...securityHeaders,
  'Content-Type': 'text/event-stream;charset=UTF-8',
  'Cache-Control': 'no-cache, no-store, max-age=0, must-revalidate',
  Pragma: 'no-cache',
};

/** What `delay` asks for in ms, within 500–10000; `defaultMs` where it says nothing sensible. */
export const parseDelayMs = (text: string | null, defaultMs = tickMs): number => {
  if (text === null || !/^-?\d+$/.test(text)) return defaultMs;
  return Math.min(Math.max(Number(text), tickMs), longestDelayMs);
};

/** Tells a client's death even while there is nothing to say. */
const ping = Buffer.from('ping: \n\n');

interface Reader {
  readonly response: ServerResponse;
  /** How many ticks there are from one event to the next, the delay rounded up, and how many are left. */
  readonly everyTicks: number;
  ticksLeft: number;
  /** True while slices of a tick are still to come. */
  isReceiving: boolean;
  /** When it had last taken all that was written to it. */
  tookAllAt: number;
}

/** Everything that one tick of a stream says, as bytes of the stream, in slices of bounded work. */
export type Render = (now: number, wallTime: number) => Generator<Buffer>;

export interface HystrixStreamOptions {
  readonly render: Render;
  /** From one event to the next where the reader does not ask for another `delay`. */
  readonly defaultDelayMs: number;
  readonly clock: Clock;
  readonly slots: StreamSlots;
}

/**
 * A stream as Hystrix's servlets send them: one tick of 500 ms for all readers, rendered once and only while somebody
 * reads; a longer delay skips ticks, but not the pings. A reader that does not take what was written to it misses ticks,
 * and nothing piles up; after a minute it is cut.
 */
export class HystrixStream {
  readonly #render: Render;
  readonly #defaultDelayMs: number;
  readonly #clock: Clock;
  readonly #slots: StreamSlots;
  readonly #readers = new Set<Reader>();
  #timer: Timer | null = null;
  #isClosed = false;

  constructor({ render, defaultDelayMs, clock, slots }: HystrixStreamOptions) {
    this.#render = render;
    this.#defaultDelayMs = defaultDelayMs;
    this.#clock = clock;
    this.#slots = slots;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Answers a GET with the stream, or a HEAD with what its head would be. */
  serve(request: IncomingMessage, response: ServerResponse, delay: string | null): void {
    if (this.#isClosed) {
      sendProblem(response, problem(503, 'Shutting down', 'The process is ending; ask another instance'));
      return;
    }
    if (request.method === 'HEAD') {
      response.writeHead(200, streamHeaders);
      response.end();
      return;
    }
    const reached = this.#slots.take();
    if (reached !== null) {
      // Turbine and scripts look for these words, in the reason phrase and in the body.
      response.statusMessage = `MaxConcurrentConnections reached: ${reached}`;
      const advice = `${response.statusMessage}. Close a stream or raise admin.maxStreams`;
      sendProblem(response, problem(503, 'Too many streams', advice));
      return;
    }
    this.#open(response, parseDelayMs(delay, this.#defaultDelayMs));
  }

  /** Ends all streams; later ones are refused. */
  close(): void {
    this.#isClosed = true;
    this.endReaders();
  }

  /** Ends all streams; who comes again is served. */
  endReaders(): void {
    for (const { response } of this.#readers) response.end();
  }

  #open(response: ServerResponse, delayMs: number): void {
    const everyTicks = Math.ceil(delayMs / tickMs);
    const reader: Reader = {
      response,
      everyTicks,
      ticksLeft: everyTicks,
      isReceiving: false,
      tookAllAt: this.#clock.now(),
    };
    this.#readers.add(reader);
    // However it ends: the client leaves, the socket breaks, we end it.
    response.once('close', () => this.#leave(reader));
    response.on('error', () => {});
    response.writeHead(200, streamHeaders);
    this.#publish([reader]);
    this.#timer ??= this.#clock.after(tickMs, () => this.#tick());
  }

  #leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    this.#slots.giveBack();
    if (this.#readers.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #tick(): void {
    this.#timer = this.#clock.after(tickMs, () => this.#tick());
    const now = this.#clock.now();
    const receivers: Reader[] = [];
    for (const reader of this.#readers) {
      reader.ticksLeft = Math.max(reader.ticksLeft - 1, 0);
      if (reader.response.writableNeedDrain) {
        if (now - reader.tookAllAt >= longestStallMs) reader.response.destroy();
        continue;
      }
      reader.tookAllAt = now;
      if (reader.isReceiving) continue;
      reader.response.write(ping);
      if (reader.ticksLeft > 0) continue;
      reader.ticksLeft = reader.everyTicks;
      receivers.push(reader);
    }
    if (receivers.length > 0) this.#publish(receivers);
  }

  #publish(receivers: readonly Reader[]): void {
    for (const reader of receivers) reader.isReceiving = true;
    this.#publishNext(this.#render(this.#clock.now(), this.#clock.wallTime()), receivers);
  }

  /** Requests go on between two slices: a thousand commands at once would hold them up for tens of milliseconds. */
  #publishNext(slices: Generator<Buffer>, receivers: readonly Reader[]): void {
    const present = receivers.filter((reader) => this.#readers.has(reader));
    if (present.length === 0) return;
    const slice = slices.next();
    if (slice.done === true) {
      for (const reader of present) reader.isReceiving = false;
      return;
    }
    for (const { response } of present) response.write(slice.value);
    setImmediate(() => this.#publishNext(slices, present));
  }
}
