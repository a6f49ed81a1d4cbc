import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NumberedIncident } from '../board/stream-events.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import type { AdminPort } from './admin-port.ts';
import { problem, securityHeaders, sendProblem } from './admin-reply.ts';
import { EventPass, eventTickMs, type Resumed } from './event-pass.ts';
import type { StreamSlots } from './stream-slots.ts';

const streamHeaders = {
  ...securityHeaders,
  'Content-Type': 'text/event-stream; charset=utf-8',
  'Cache-Control': 'no-store',
  // Asks a proxy in between (nginx and its kind) not to hold events back.
  'X-Accel-Buffering': 'no',
};

/** How long a reader waits before it comes back, in ms. */
const retryMs = 1000;

interface Reader {
  readonly response: ServerResponse;
  /** False until it has the snapshot that it needs: it is new, or it did not take what it was sent. */
  isCurrent: boolean;
  /** The latest incident that it was told of; null: it has not said, and wants no more than the recent ones. */
  lastIncident: number | null;
}

/**
 * `GET /events`: a snapshot on connect, a tick a second with what changed, and every incident at once. All readers share
 * one pass over the commands, made only while somebody reads and in slices between which requests go on. A reader that
 * does not take what was written to it gets no more until it has; then it gets a new snapshot and the incidents that it
 * missed, so that nothing piles up.
 */
export class EventStream {
  readonly #port: AdminPort;
  readonly #clock: Clock;
  readonly #slots: StreamSlots;
  readonly #pass: EventPass;
  readonly #readers = new Set<Reader>();
  /** Commands whose breaker changed while a pass is under way. */
  readonly #touched = new Set<string>();
  #timer: Timer | null = null;
  #isPassing = false;
  /** Somebody came while a pass was under way. */
  #mustPassAgain = false;
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
    this.#open(response, request.headers['last-event-id']);
  }

  /** Ends all streams; later ones are refused. */
  close(): void {
    this.#isClosed = true;
    for (const { response } of this.#readers) response.end();
  }

  #open(response: ServerResponse, lastEventId: string | string[] | undefined): void {
    const reader: Reader = {
      response,
      isCurrent: false,
      lastIncident: this.#numberOf(typeof lastEventId === 'string' ? lastEventId : ''),
    };
    this.#readers.add(reader);
    // However it ends: the client leaves, the socket breaks, we end it.
    response.once('close', () => this.#leave(reader));
    response.on('error', () => {});
    response.writeHead(200, streamHeaders);
    response.write(`retry: ${retryMs}\n\n`);
    this.#timer ??= this.#clock.after(eventTickMs, () => this.#tick());
    this.#startPass();
  }

  #leave(reader: Reader): void {
    if (!this.#readers.delete(reader)) return;
    this.#slots.giveBack();
    if (this.#readers.size > 0) return;
    this.#timer?.cancel();
    this.#timer = null;
    if (!this.#isPassing) this.#pass.forget();
  }

  #tick(): void {
    this.#timer = this.#clock.after(eventTickMs, () => this.#tick());
    if (!this.#isPassing) this.#startPass();
  }

  #startPass(): void {
    if (this.#isPassing) {
      this.#mustPassAgain = true;
      return;
    }
    this.#isPassing = true;
    this.#mustPassAgain = false;
    this.#touched.clear();
    const waiting = new Set([...this.#readers].filter(needsSnapshot));
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
    else if (this.#mustPassAgain) this.#startPass();
  }

  #publish(waiting: ReadonlySet<Reader>): void {
    const tick = `event: tick\ndata: ${this.#pass.tick()}\n\n`;
    for (const reader of this.#readers) {
      if (reader.isCurrent) this.#write(reader, tick);
      else if (waiting.has(reader)) this.#writeSnapshot(reader);
    }
  }

  #writeSnapshot(reader: Reader): void {
    const { incidents } = this.#port;
    const missed = reader.lastIncident === null ? [] : incidents.after(reader.lastIncident);
    const base = incidents.last - missed.length;
    const resumed: Resumed =
      reader.lastIncident === null ? null : { missed: missed.length, lost: base - reader.lastIncident };
    reader.isCurrent = true;
    let text = `event: snapshot\nid: ${this.#idOf(base)}\ndata: ${this.#pass.snapshot(resumed)}\n\n`;
    for (const numbered of missed) text += this.#incidentText(numbered);
    reader.lastIncident = incidents.last;
    reader.response.write(text);
  }

  #happened(numbered: NumberedIncident): void {
    if (this.#readers.size === 0) return;
    if ('command' in numbered.incident) this.#touched.add(numbered.incident.command);
    const text = this.#incidentText(numbered);
    for (const reader of this.#readers) {
      if (reader.isCurrent && this.#write(reader, text)) reader.lastIncident = numbered.number;
    }
  }

  /** False for a reader that has not taken what it was sent before: it is out of date from now on. */
  #write(reader: Reader, text: string): boolean {
    reader.isCurrent = !reader.response.writableNeedDrain;
    if (reader.isCurrent) reader.response.write(text);
    return reader.isCurrent;
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
    const number = id.startsWith(prefix) ? Number(id.slice(prefix.length)) : 0;
    return Number.isSafeInteger(number) && number >= 0 && number <= this.#port.incidents.last ? number : 0;
  }
}

const needsSnapshot = ({ isCurrent, response }: Reader): boolean => !isCurrent && !response.writableNeedDrain;
