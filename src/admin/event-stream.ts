import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NumberedIncident } from '../board/stream-events.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { AdminPort } from './admin-port.ts';
import { problem, securityHeaders, sendProblem } from './admin-reply.ts';
import { EventPass, eventTickMs } from './event-pass.ts';
import { longestStallMs, type StreamSlots } from './stream-slots.ts';

const streamHeaders = {
  ...securityHeaders,
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // Asks a proxy in between (nginx and its kind) not to hold events back.
  'X-Accel-Buffering': 'no',
};

/** How long a reader waits before it comes back, in ms. */
const retryMs = 1000;
/** From one pass to the next at the least, however many readers come and go. */
const restMs = 100;

interface Reader {
  readonly response: ServerResponse;
  /** The pass that it was last told of; 0: it needs a snapshot. */
  pass: number;
  /** The latest incident that it was told of; null: it is new, and wants no more than the recent ones. */
  lastIncident: number | null;
  /** When it had last taken all that was written to it. */
  tookAllAt: number;
}

/**
 * `GET /events`: a snapshot on connect, a tick a second with what changed, and every incident at once. All readers share
 * one pass over the commands, made only while somebody reads and in slices between which requests go on. A reader that
 * does not take what was written to it gets nothing until it has; then it is told at once what it missed, so that nothing
 * piles up for it; after a minute it is cut (decision 0021).
 */
export class EventStream {
  readonly #port: AdminPort;
  readonly #clock: Clock;
  readonly #slots: StreamSlots;
  readonly #pass: EventPass;
  readonly #readers = new Set<Reader>();
  /** Commands whose breaker changed while a pass is under way. */
  readonly #touched = new Set<string>();
  /** Until the next pass; null while one is under way, and while nobody reads. */
  #timer: Timer | null = null;
  #isPassing = false;
  #passedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(port: AdminPort, clock: Clock, slots: StreamSlots) {
    this.#port = port;
    this.#clock = clock;
    this.#slots = slots;
    this.#pass = new EventPass(port, clock);
    port.incidents.listen((numbered) => this.#happened(numbered));
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Answers a GET with the stream, or a HEAD with what its head would be. */
  serve(request: IncomingMessage, response: ServerResponse): void {
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
      const advice = `${reached} streams are open. Close one or raise admin.maxStreams`;
      sendProblem(response, problem(503, 'Too many streams', advice));
      return;
    }
    const lastEventId = request.headers['last-event-id'];
    this.#open(response, typeof lastEventId === 'string' ? lastEventId : '');
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

  #open(response: ServerResponse, lastEventId: string): void {
    const lastIncident = this.#numberOf(lastEventId);
    const reader: Reader = { response, pass: 0, lastIncident, tookAllAt: this.#clock.now() };
    this.#readers.add(reader);
    // However it ends: the client leaves, the socket breaks, we end it.
    response.once('close', () => this.#leave(reader));
    response.on('error', () => {});
    response.writeHead(200, streamHeaders);
    response.write(`retry: ${retryMs}\n\n`);
    // A pass that is under way began without its history: the next one follows it soon.
    if (!this.#isPassing) this.#passSoon();
  }

  #leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    this.#slots.giveBack();
    if (this.#readers.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (!this.#isPassing) this.#pass.forget();
  }

  /** For somebody who waits for a snapshot. */
  #passSoon(): void {
    this.#timer?.cancel();
    const waitMs = this.#passedAt + restMs - this.#clock.now();
    if (waitMs <= 0) this.#startPass();
    else this.#timer = this.#clock.after(waitMs, () => this.#startPass());
  }

  #startPass(): void {
    this.#timer = null;
    this.#isPassing = true;
    this.#passedAt = this.#clock.now();
    this.#touched.clear();
    const waiting = new Set([...this.#readers].filter((reader) => this.#needsSnapshot(reader)));
    this.#goOn(this.#pass.run(waiting.size > 0), waiting);
  }

  /** Requests go on between two slices: a thousand commands at once would hold them up for tens of milliseconds. */
  #goOn(slices: Generator<void>, waiting: ReadonlySet<Reader>): void {
    if (this.#readers.size === 0) this.#endPass();
    else if (slices.next().done === true) {
      this.#pass.refresh(this.#touched);
      this.#publish(waiting);
      this.#endPass();
    } else setImmediate(() => this.#goOn(slices, waiting));
  }

  #endPass(): void {
    this.#isPassing = false;
    if (this.#readers.size === 0) this.#pass.forget();
    else if ([...this.#readers].some((reader) => this.#needsSnapshot(reader))) this.#passSoon();
    else {
      const waitMs = Math.max(restMs, this.#passedAt + eventTickMs - this.#clock.now());
      this.#timer = this.#clock.after(waitMs, () => this.#startPass());
    }
  }

  /** True for one that can be given a snapshot now, and nothing less. */
  #needsSnapshot(reader: Reader): boolean {
    return !reader.response.writableNeedDrain && !this.#canGoOn(reader);
  }

  /** True for one that is still known to lack nothing but what a tick and the kept incidents tell. */
  #canGoOn({ pass, lastIncident }: Reader): boolean {
    if (pass === 0 || lastIncident === null) return false;
    return this.#pass.canTellSince(pass) && this.#port.incidents.knowsSince(lastIncident);
  }

  #publish(waiting: ReadonlySet<Reader>): void {
    const { number } = this.#pass;
    const now = this.#clock.now();
    // Nearly all readers were told of the pass before, and share the bytes of one text.
    const shared = Buffer.from(this.#tickText(number - 1));
    for (const reader of this.#readers) {
      if (reader.response.writableNeedDrain) {
        if (now - reader.tookAllAt >= longestStallMs) reader.response.destroy();
        continue;
      }
      reader.tookAllAt = now;
      if (waiting.has(reader)) this.#writeSnapshot(reader);
      else if (this.#canGoOn(reader)) {
        const missed = this.#missedText(reader);
        if (missed !== '') reader.response.write(missed);
        reader.response.write(reader.pass === number - 1 ? shared : this.#tickText(reader.pass));
        reader.pass = number;
      }
    }
  }

  #writeSnapshot(reader: Reader): void {
    const { last } = this.#port.incidents;
    const since = reader.lastIncident;
    const missed = since === null ? 0 : this.#port.incidents.after(since).length;
    const resumed = since === null ? null : { missed, lost: last - missed - since };
    reader.response.write(`event: snapshot\nid: ${this.#idOf(last - missed)}\ndata: `);
    reader.response.write(this.#pass.snapshot());
    reader.response.write(`${JSON.stringify(resumed)}}\n\n${this.#missedText(reader)}`);
    reader.lastIncident = last;
    reader.pass = this.#pass.number;
  }

  /** The incidents that a reader was not told of when they happened; then it was told of them. */
  #missedText(reader: Reader): string {
    const { incidents } = this.#port;
    if (reader.lastIncident === null || reader.lastIncident === incidents.last) return '';
    const missed = incidents.after(reader.lastIncident);
    reader.lastIncident = incidents.last;
    return missed.map((numbered) => this.#incidentText(numbered)).join('');
  }

  #happened(numbered: NumberedIncident): void {
    if (this.#readers.size === 0) return;
    if ('command' in numbered.incident) this.#touched.add(numbered.incident.command);
    const text = this.#incidentText(numbered);
    for (const reader of this.#readers) {
      // One that is behind is told in its turn, by the next pass.
      if (reader.lastIncident !== numbered.number - 1 || reader.pass === 0) continue;
      if (reader.response.writableNeedDrain) continue;
      reader.response.write(text);
      reader.lastIncident = numbered.number;
    }
  }

  #tickText(since: number): string {
    return `event: tick\ndata: ${this.#pass.tick(since)}\n\n`;
  }

  #incidentText({ number, incident }: NumberedIncident): string {
    return `event: ${incident.kind}\nid: ${this.#idOf(number)}\ndata: ${JSON.stringify(incident)}\n\n`;
  }

  #idOf(number: number): string {
    return `${this.#port.process().id}-${number}`;
  }

  /** What a `Last-Event-ID` says. Of a process that is gone the reader has seen nothing that is known here: 0. */
  #numberOf(id: string): number | null {
    if (id === '') return null;
    const prefix = `${this.#port.process().id}-`;
    const digits = id.startsWith(prefix) ? id.slice(prefix.length) : '';
    const number = /^\d{1,15}$/.test(digits) ? Number(digits) : 0;
    return number <= this.#port.incidents.last ? number : 0;
  }
}
