import type { ReadStream, WriteStream } from 'node:tty';
import { styleText } from 'node:util';
import type { Clock, Timer } from '../lib/clock.ts';
import type { EventFeed } from './event-feed.ts';
import { placeholder, type SortOrder, sortOrders, summary, table } from './top-view.ts';

const enter = '\x1b[?1049h\x1b[?25l';
const leave = '\x1b[?25h\x1b[?1049l';
const home = '\x1b[H';
const eraseLine = '\x1b[K';
const eraseBelow = '\x1b[J';

const unchecked = { validateStream: false } as const;

/** Lines that a terminal must have for what is not the table itself. */
const linesForGap = 12;
const linesForSummary = 7;

const sortWords: Readonly<Record<SortOrder, string>> = {
  hurt: 'worst first',
  name: 'by name',
  rate: 'by rate',
  errors: 'by errors',
};

/** How often the screen is drawn anew where nothing comes: waits count down on it. */
const redrawMs = 500;

const help = [
  'q, Ctrl-C        quit',
  'up, down, j, k   one line; page up, page down: one screen; g, G: first, last',
  's                sort: worst first, by name, by rate, by errors',
  '/                show only names with this in them; Enter keeps it, Escape forgets it',
  '?                this help; any key leaves it',
];

export interface TopScreenOptions {
  readonly feed: EventFeed;
  readonly clock: Clock;
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly hasColour: boolean;
  readonly hasUnicode: boolean;
}

/** The live table on a terminal, from the first key to the last. It leaves the terminal as it found it. */
export class TopScreen {
  readonly #options: TopScreenOptions;
  readonly #done = Promise.withResolvers<void>();
  #sort: SortOrder = 'hurt';
  #filter = '';
  #isTyping = false;
  #isHelping = false;
  #first = 0;
  #timer: Timer | null = null;
  #isDrawn = true;
  #frame = '';

  constructor(options: TopScreenOptions) {
    this.#options = options;
  }

  /** Resolves when the viewer has seen enough. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  open(): void {
    const { input, output } = this.#options;
    input.setRawMode(true);
    input.on('data', this.#onKey);
    input.resume();
    output.on('resize', this.#onResize);
    output.write(enter);
    this.#draw();
    this.#wait();
  }

  close(): void {
    const { input, output } = this.#options;
    this.#timer?.cancel();
    this.#timer = null;
    input.off('data', this.#onKey);
    output.off('resize', this.#onResize);
    input.setRawMode(false);
    input.pause();
    output.write(leave);
  }

  /** Something has changed: many changes of one moment are drawn once. */
  changed(): void {
    if (!this.#isDrawn || this.#timer === null) return;
    this.#isDrawn = false;
    setImmediate(() => {
      if (this.#timer !== null) this.#draw();
    });
  }

  /** As typed; several keys may come in one piece. */
  readonly #onKey = (bytes: Buffer): void => {
    for (const key of bytes.toString('latin1').match(/\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Z])?|./gs) ?? [])
      this.#press(key);
    this.#draw();
  };

  readonly #onResize = (): void => {
    this.#frame = '';
    this.#draw();
  };

  #press(key: string): void {
    if (key === '\x03') this.#done.resolve();
    else if (this.#isTyping) this.#type(key);
    else if (this.#isHelping) this.#isHelping = false;
    else if (key === 'q') this.#done.resolve();
    else if (key === '?') this.#isHelping = true;
    else if (key === '/') this.#isTyping = true;
    else if (key === '\x1b') this.#filter = '';
    else if (key === 's')
      this.#sort = sortOrders[(sortOrders.indexOf(this.#sort) + 1) % sortOrders.length] ?? 'hurt';
    else this.#scroll(key);
  }

  #type(key: string): void {
    if (key === '\r' || key === '\n') this.#isTyping = false;
    else if (key === '\x1b') {
      this.#isTyping = false;
      this.#filter = '';
    } else if (key === '\x7f' || key === '\b') this.#filter = this.#filter.slice(0, -1);
    else if (/^[\x20-\x7e]$/.test(key)) this.#filter += key;
  }

  #scroll(key: string): void {
    const page = Math.max(1, this.#options.output.rows - 6);
    if (key === 'k' || key === '\x1b[A' || key === '\x1bOA') this.#first -= 1;
    else if (key === 'j' || key === '\x1b[B' || key === '\x1bOB') this.#first += 1;
    else if (key === '\x1b[5~') this.#first -= page;
    else if (key === '\x1b[6~' || key === ' ') this.#first += page;
    else if (key === 'g' || key === '\x1b[H') this.#first = 0;
    else if (key === 'G' || key === '\x1b[F') this.#first = Number.MAX_SAFE_INTEGER;
  }

  #wait(): void {
    this.#timer = this.#options.clock.after(redrawMs, () => {
      this.#draw();
      this.#wait();
    });
  }

  #draw(): void {
    this.#isDrawn = true;
    const { output } = this.#options;
    const lines = this.#lines(Math.max(1, output.columns), Math.max(1, output.rows));
    const frame = `${home}${lines.map((line) => `${line}${eraseLine}`).join('\r\n')}${eraseBelow}`;
    // Over a slow line, what has not changed is not sent again.
    if (frame === this.#frame) return;
    this.#frame = frame;
    output.write(frame);
  }

  #lines(width: number, height: number): string[] {
    const { feed, clock, hasColour, hasUnicode } = this.#options;
    if (this.#isHelping) return help.map((line) => line.slice(0, width)).slice(0, height);
    const view = { width, sort: this.#sort, filter: this.#filter, hasColour, hasUnicode, nowMs: feed.nowMs };
    const { head, rows } = table(feed.board, view);
    if (rows.length === 0) rows.push(placeholder(feed.board, this.#filter).slice(0, width));
    const [connection = '', traffic = ''] = summary(feed.board, connectionWords(feed, clock.now()), width);
    const top = [head];
    if (height >= linesForGap) top.unshift('');
    if (height >= linesForSummary) top.unshift(traffic);
    if (height >= linesForSummary || !feed.state.isLive)
      top.unshift(hasColour && !feed.state.isLive ? styleText('red', connection, unchecked) : connection);
    const room = Math.max(0, height - top.length - 1);
    this.#first = Math.max(0, Math.min(this.#first, rows.length - room));
    const shown = rows.slice(this.#first, this.#first + room);
    const place =
      rows.length > room ? `${this.#first + 1}-${this.#first + shown.length} of ${rows.length}` : '';
    const empty = new Array<string>(room - shown.length).fill('');
    return [...top, ...shown, ...empty, this.#footer(width, place)].slice(0, height);
  }

  /** Whole pieces, as many as fit; what is being typed comes first. */
  #footer(width: number, place: string): string {
    const filter = `/${this.#filter}`;
    if (this.#isTyping) return `${filter.slice(-Math.max(1, width - 1))}_`.slice(0, width);
    const pieces = ['q quit', '? help', place, this.#filter === '' ? '/ filter' : filter];
    let line = '';
    for (const piece of [...pieces, `s sort: ${sortWords[this.#sort]}`]) {
      const longer = line === '' || piece === '' ? line + piece : `${line}  ${piece}`;
      if (longer.length <= width) line = longer;
    }
    return line;
  }
}

/** Whether what is shown is true now, and if not, since when and why. */
export const connectionWords = ({ state }: EventFeed, now: number): string =>
  state.isLive
    ? 'live'
    : `stream lost for ${Math.round((now - state.since) / 1000)} s: ${state.why || 'connecting'}`;
