import type { SnapshotEvent } from '../board/stream-events.ts';
import type { Clock } from '../lib/clock.ts';
import type { CommandBook } from '../telemetry/command-book.ts';
import type { AdminPort } from './admin-port.ts';
import { commandPicture } from './command-picture.ts';

/** Commands that are rendered without a pause: one or two milliseconds of work. */
const sliceCommands = 50;
/** Incidents that a snapshot shows to somebody who has just come. */
const recentIncidents = 50;
/** From one tick to the next. */
export const eventTickMs = 1000;

/** How a reader that was away is told of what it missed. */
export type Resumed = SnapshotEvent['resumed'];

/**
 * What all readers were told last, as text by name: each command is rendered once in a pass, compared with what it was
 * in the pass before, and the same text serves ticks and snapshots.
 */
export class EventPass {
  readonly #port: AdminPort;
  readonly #clock: Clock;
  #commands = new Map<string, string>();
  #upstreams = new Map<string, string>();
  #process = '';
  /** Of the pass that is under way, or of the one that is over. */
  #at = 0;
  #now = 0;
  #rendered = new Map<string, string>();
  #changed: string[] = [];
  #removed: string[] = [];
  #histories: string[] = [];
  #changedUpstreams: string[] = [];
  #removedUpstreams: string[] = [];
  #hasNewProcess = false;

  constructor(port: AdminPort, clock: Clock) {
    this.#port = port;
    this.#clock = clock;
  }

  /**
   * Renders everything, a slice for each call of `next`; when it is done, {@link tick} and {@link snapshot} tell of it.
   * `withHistory`: somebody needs a snapshot.
   */
  *run(withHistory: boolean): Generator<void> {
    this.#at = this.#clock.wallTime();
    this.#now = this.#clock.now();
    this.#rendered = new Map();
    this.#histories = [];
    let inSlice = 0;
    for (const book of this.#port.commands.all()) {
      this.#render(book);
      if (withHistory) this.#addHistory(book);
      inSlice += 1;
      if (inSlice % sliceCommands === 0) yield;
    }
    this.#compare();
  }

  /** Renders once more what changed after its turn; to be called when the pass is over. */
  refresh(names: Iterable<string>): void {
    for (const name of names) {
      const book = this.#port.commands.find(name);
      if (book === undefined) continue;
      const before = this.#commands.get(name);
      const text = this.#render(book);
      if (text !== before) this.#changed.push(text);
    }
  }

  /** What changed since the pass before, as the JSON of a `TickEvent`. */
  tick(): string {
    return (
      `{"at":${this.#at},"nowMs":${Math.round(this.#now)},"commands":[${this.#changed.join()}],` +
      `"removed":${JSON.stringify(this.#removed)},"upstreams":[${this.#changedUpstreams.join()}],` +
      `"removedUpstreams":${JSON.stringify(this.#removedUpstreams)},` +
      `"process":${this.#hasNewProcess ? this.#process : 'null'}}`
    );
  }

  /** Everything, as the JSON of a `SnapshotEvent`. Only after a run with history. */
  snapshot(resumed: Resumed): string {
    const { incidents } = this.#port;
    const recent = incidents.after(incidents.last - recentIncidents);
    const endsAtMs = Math.floor(this.#now / 1000) * 1000;
    return (
      `{"at":${this.#at},"nowMs":${Math.round(this.#now)},"tickMs":${eventTickMs},"process":${this.#process},` +
      `"commands":[${[...this.#commands.values()].join()}],` +
      `"upstreams":[${[...this.#upstreams.values()].join()}],"recent":${JSON.stringify(recent)},` +
      `"history":{"endsAtMs":${endsAtMs},"commands":{${this.#histories.join()}}},` +
      `"resumed":${JSON.stringify(resumed)}}`
    );
  }

  /** Nobody reads any more: nothing is kept. */
  forget(): void {
    this.#commands = new Map();
    this.#upstreams = new Map();
    this.#process = '';
    this.#rendered = new Map();
    this.#changed = [];
    this.#histories = [];
    this.#changedUpstreams = [];
  }

  #render(book: CommandBook): string {
    const now = this.#clock.now();
    const text = JSON.stringify(commandPicture(book.figures(now), now));
    this.#rendered.set(book.description.name, text);
    return text;
  }

  #addHistory(book: CommandBook): void {
    const history = book.history(this.#now);
    if (history !== null)
      this.#histories.push(`${JSON.stringify(book.description.name)}:${JSON.stringify(history)}`);
  }

  #compare(): void {
    const process = JSON.stringify(this.#port.process());
    this.#hasNewProcess = process !== this.#process;
    this.#process = process;
    const commands = differences(this.#commands, this.#rendered);
    this.#changed = commands.changed;
    this.#removed = commands.removed;
    this.#commands = this.#rendered;
    const upstreams = new Map(
      this.#port.upstreamPictures().map((upstream) => [upstream.name, JSON.stringify(upstream)]),
    );
    const their = differences(this.#upstreams, upstreams);
    this.#changedUpstreams = their.changed;
    this.#removedUpstreams = their.removed;
    this.#upstreams = upstreams;
  }
}

const differences = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) => {
  const changed: string[] = [];
  for (const [name, text] of after) if (before.get(name) !== text) changed.push(text);
  const removed = [...before.keys()].filter((name) => !after.has(name));
  return { changed, removed };
};
