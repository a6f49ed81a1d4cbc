import type { Clock } from '../lib/clock.ts';
import type { CommandBook } from '../telemetry/command-book.ts';
import type { AdminPort } from './admin-port.ts';
import { commandPicture } from './command-picture.ts';
import { TextsByName } from './texts-by-name.ts';

/** Commands that are rendered without a pause: one or two milliseconds of work. */
const sliceCommands = 50;
/** Incidents that a snapshot shows to somebody who has just come. */
const recentIncidents = 50;
/** From one tick to the next. */
export const eventTickMs = 1000;

/**
 * What there is to tell, rendered once in a pass for all readers: each command's text is compared with what it was in
 * the pass before, and goes into the ticks of those who do not have it yet and into every snapshot.
 */
export class EventPass {
  readonly #port: AdminPort;
  readonly #clock: Clock;
  #commands = new TextsByName();
  #upstreams = new TextsByName();
  #process = '';
  #processPass = 0;
  #histories: string[] = [];
  #snapshot: Buffer | null = null;
  #at = 0;
  #now = 0;
  /** Of the pass that was last completed; 0: there was none. */
  #number = 0;

  constructor(port: AdminPort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  /** Of the last completed pass, from 1: what a reader has that was told of it. */
  get number(): number {
    return this.#number;
  }

  /** Renders everything, a slice for each call of `next`. `withHistory`: somebody needs a snapshot. */
  *run(withHistory: boolean): Generator<void> {
    const pass = this.#number + 1;
    const books = [...this.#port.commands.all()];
    const histories: string[] = [];
    this.#snapshot = null;
    this.#at = this.#clock.wallTime();
    this.#now = this.#clock.now();
    for (const [index, book] of books.entries()) {
      this.#render(book, pass);
      if (withHistory) histories.push(...this.#historyOf(book));
      if ((index + 1) % sliceCommands === 0) yield;
    }
    this.#commands.keep(new Set(books.map(({ description }) => description.name)), pass);
    const upstreams = this.#port.upstreamPictures();
    for (const upstream of upstreams) this.#upstreams.set(upstream.name, JSON.stringify(upstream), pass);
    this.#upstreams.keep(new Set(upstreams.map(({ name }) => name)), pass);
    const process = JSON.stringify(this.#port.process());
    if (process !== this.#process) this.#processPass = pass;
    this.#process = process;
    this.#histories = histories;
    this.#number = pass;
  }

  /** Renders once more what changed after its turn in the pass that is over. */
  refresh(names: Iterable<string>): void {
    for (const name of names) {
      const book = this.#port.commands.find(name);
      if (book !== undefined) this.#render(book, this.#number);
    }
  }

  /** True while all that has changed since this pass can be told in a tick. */
  canTellSince(pass: number): boolean {
    return this.#commands.knowsSince(pass) && this.#upstreams.knowsSince(pass);
  }

  /** What has changed since this pass, as the JSON of a `TickEvent`. */
  tick(since: number): string {
    return (
      `{"at":${this.#at},"nowMs":${Math.round(this.#now)},` +
      `"commands":[${this.#commands.changedSince(since)}],` +
      `"removed":${JSON.stringify(this.#commands.removedSince(since))},` +
      `"upstreams":[${this.#upstreams.changedSince(since)}],` +
      `"removedUpstreams":${JSON.stringify(this.#upstreams.removedSince(since))},` +
      `"process":${this.#processPass > since ? this.#process : 'null'}}`
    );
  }

  /**
   * Everything, as the JSON of a `SnapshotEvent` up to `resumed`, which is each reader's own and comes last: the bytes
   * are made once for all who need them after this pass. Only after a run with history.
   */
  snapshot(): Buffer {
    this.#snapshot ??= Buffer.from(this.#snapshotText());
    return this.#snapshot;
  }

  /** Nobody reads any more: nothing is kept. */
  forget(): void {
    this.#commands = new TextsByName();
    this.#upstreams = new TextsByName();
    this.#process = '';
    this.#histories = [];
    this.#snapshot = null;
  }

  #snapshotText(): string {
    const { incidents } = this.#port;
    const recent = incidents.after(incidents.last - recentIncidents);
    const endsAtMs = Math.floor(this.#now / 1000) * 1000;
    return (
      `{"at":${this.#at},"nowMs":${Math.round(this.#now)},"tickMs":${eventTickMs},"process":${this.#process},` +
      `"commands":[${this.#commands.changedSince(0)}],"upstreams":[${this.#upstreams.changedSince(0)}],` +
      `"recent":${JSON.stringify(recent)},` +
      `"history":{"endsAtMs":${endsAtMs},"commands":{${this.#histories.join()}}},"resumed":`
    );
  }

  #render(book: CommandBook, pass: number): void {
    const now = this.#clock.now();
    this.#commands.set(book.description.name, JSON.stringify(commandPicture(book.figures(now), now)), pass);
  }

  #historyOf(book: CommandBook): string[] {
    const history = book.history(this.#now);
    return history === null ? [] : [`${JSON.stringify(book.description.name)}:${JSON.stringify(history)}`];
  }
}
