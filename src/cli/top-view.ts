import { styleText } from 'node:util';
import type { Board } from '../board/board.js';
import { byHurt, type Condition, conditionOf, conditionWords } from '../board/condition.js';
import { count, countdown, percent, remaining } from '../board/figures.js';
import type { CommandPicture } from '../board/stream-events.ts';
import { type Column, columns, type Style } from './top-columns.ts';

export const sortOrders = ['hurt', 'name', 'rate', 'errors'] as const;
export type SortOrder = (typeof sortOrders)[number];

export interface TableOptions {
  /** Characters of a line; no line is longer. */
  readonly width: number;
  readonly sort: SortOrder;
  /** Only commands whose name has this in it. */
  readonly filter: string;
  readonly hasColour: boolean;
  /** Shapes beyond ASCII. */
  readonly hasUnicode: boolean;
  /** The process's clock now. */
  readonly nowMs: number;
}

const looks: Readonly<
  Record<Condition, { readonly shape: string; readonly plain: string; readonly colour: Style }>
> = {
  open: { shape: '✖', plain: 'X', colour: 'red' },
  'forced-open': { shape: '■', plain: '#', colour: 'magenta' },
  'half-open': { shape: '◆', plain: '?', colour: 'yellow' },
  'forced-closed': { shape: '■', plain: '#', colour: 'magenta' },
  closed: { shape: '●', plain: 'o', colour: 'green' },
};

/** Names and words come from others: nothing in them may move the cursor, hide or turn round what follows. */
export const harmless = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?');

/** Shortened in the middle, since both ends of a name tell. */
export const fitted = (text: string, width: number): string => {
  if (text.length <= width) return text.padEnd(width);
  if (width < 4) return text.slice(0, width);
  const tail = Math.floor((width - 2) / 2);
  return `${text.slice(0, width - 2 - tail)}..${text.slice(text.length - tail)}`;
};

/** Columns of these ranks stand even where names must be shortened for them. */
const lastRankBeforeNames = 1;
const leastNameWidth = 12;
const goodNameWidth = 24;
const mostNameWidth = 36;
/** Below this, the shape stands for the state. */
const leastWidthForWords = 32;
/** Words stand at the end of the line where so many fit, else on a line of their own. */
const leastWordsWidth = 60;

/** What comes next for a breaker that is not simply closed, and why it is so. */
const wordsOf = (command: CommandPicture, nowMs: number): string => {
  if (command.force !== 'none') {
    if (command.forceEndsAtMs === null)
      return command.forcedBy === 'hand' ? 'by hand, until lifted' : 'by configuration';
    return `by hand, ${remaining(command.forceEndsAtMs - nowMs)}`;
  }
  if (command.state === 'closed') return '';
  const why = harmless(command.why);
  if (command.state === 'half_open')
    return `probes: ${command.probes.succeeded} of ${command.probes.needed}; ${why}`;
  // The next tick tells when.
  if (command.nextProbeAtMs === null) return `just now: ${why}`;
  const leftMs = command.nextProbeAtMs - nowMs;
  return `${leftMs <= 0 ? 'next request probes' : `probe in ${countdown(leftMs)}`}: ${why}`;
};

interface Layout {
  readonly stateWidth: number;
  readonly nameWidth: number;
  readonly columns: readonly Column[];
  /** 0: words stand below the line, not at its end. */
  readonly wordsWidth: number;
}

const layout = (width: number, commands: readonly CommandPicture[]): Layout => {
  const words = commands.map((command) => conditionWords[conditionOf(command)].length + 2);
  const stateWidth = width < leastWidthForWords ? 1 : Math.max(11, ...words);
  const widest = Math.max(leastNameWidth, ...commands.map(({ name }) => name.length));
  const chosen = new Set<Column>();
  let nameWidth = leastNameWidth;
  let left = width - stateWidth - 1 - nameWidth;
  const widen = (most: number): void => {
    const more = Math.max(0, Math.min(left, Math.min(widest, most) - nameWidth));
    nameWidth += more;
    left -= more;
  };
  for (const column of columns.toSorted((a, b) => a.rank - b.rank)) {
    if (column.rank > lastRankBeforeNames) widen(goodNameWidth);
    if (left < column.width + 1) break;
    chosen.add(column);
    left -= column.width + 1;
  }
  widen(mostNameWidth);
  return {
    stateWidth,
    nameWidth: Math.min(nameWidth, Math.max(1, width - stateWidth - 1)),
    columns: columns.filter((column) => chosen.has(column)),
    wordsWidth: left > leastWordsWidth ? left - 1 : 0,
  };
};

const sorted = (board: Board, sort: SortOrder): CommandPicture[] => {
  const commands = byHurt(board);
  const by = (key: (command: CommandPicture) => number) => commands.toSorted((a, b) => key(b) - key(a));
  if (sort === 'name') return commands.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (sort === 'rate') return by(({ name }) => board.rates(name).perSecond);
  if (sort === 'errors') return by(({ name }) => board.rates(name).errorPercent);
  return commands;
};

/** A piece of a line and how it looks. */
type Piece = readonly [text: string, ...styles: (Style | false | undefined)[]];

/** Joins pieces to a line that is no longer than the terminal, which colours must not count for. */
const lineOf = (pieces: readonly Piece[], width: number, hasColour: boolean): string => {
  let left = width;
  let line = '';
  const last = pieces.findLastIndex(([text]) => text.trimEnd() !== '');
  for (const [index, [text, ...styles]] of pieces.slice(0, last + 1).entries()) {
    const shown = (index === last ? text.trimEnd() : text).slice(0, left);
    const wanted = styles.filter((style) => typeof style === 'string');
    left -= shown.length;
    line +=
      hasColour && wanted.length > 0 && shown !== ''
        ? styleText(wanted, shown, { validateStream: false })
        : shown;
  }
  return line;
};

/** The table: its head and the lines of each command that is wanted. */
export const table = (
  board: Board,
  options: TableOptions,
): { readonly head: string; readonly rows: string[] } => {
  const { width, filter, nowMs, hasColour, hasUnicode } = options;
  const wanted = filter.toLowerCase();
  const commands = sorted(board, options.sort).filter(({ name }) => name.toLowerCase().includes(wanted));
  const plan = layout(width, commands);
  const aligned = (text: string, column: Column): string => ` ${text.padStart(column.width)}`;
  const head: Piece[] = [
    ['state'.padEnd(plan.stateWidth).slice(0, plan.stateWidth), 'dim'],
    [` ${'command'.padEnd(plan.nameWidth).slice(0, plan.nameWidth)}`, 'dim'],
    ...plan.columns.map((column): Piece => [aligned(column.title, column), 'dim']),
    [plan.wordsWidth > 0 ? ' why' : '', 'dim'],
  ];
  const rows = commands.flatMap((command) => {
    const condition = conditionOf(command);
    const { shape, plain, colour } = looks[condition];
    const mark = `${hasUnicode ? shape : plain} ${conditionWords[condition]}`;
    const stress = condition !== 'closed' && 'bold';
    const words = wordsOf(command, nowMs);
    const line: Piece[] = [
      [mark.padEnd(plan.stateWidth).slice(0, plan.stateWidth), colour],
      [` ${fitted(harmless(command.name), plan.nameWidth)}`, stress],
      ...plan.columns.map((column): Piece => {
        const { text, style } = column.cell(command, board, nowMs);
        return [aligned(text, column), stress, style];
      }),
      [plan.wordsWidth > 0 ? ` ${words.slice(0, plan.wordsWidth)}` : ''],
    ];
    const lines = [lineOf(line, width, hasColour)];
    if (plan.wordsWidth === 0 && words !== '') lines.push(lineOf([[`  ${words}`, colour]], width, hasColour));
    return lines;
  });
  return { head: lineOf(head, width, hasColour), rows };
};

/** What stands above the table: whether it is true now, the process, and the whole of its commands and traffic. */
export const summary = (board: Board, connection: string, width: number): readonly string[] => {
  const { process } = board;
  const counts = new Map<Condition, number>();
  let perSecond = 0;
  let errorsPerSecond = 0;
  for (const command of board.commands.values()) {
    const condition = conditionOf(command);
    counts.set(condition, (counts.get(condition) ?? 0) + 1);
    const rates = board.rates(command.name);
    perSecond += rates.perSecond;
    errorsPerSecond += rates.errorsPerSecond;
  }
  const conditions = (Object.keys(looks) as Condition[])
    .filter((condition) => counts.has(condition))
    .map((condition) => `${counts.get(condition)} ${conditionWords[condition]}`);
  const share = perSecond === 0 ? 0 : (errorsPerSecond * 100) / perSecond;
  const identity =
    process === null
      ? 'Outrigger'
      : `${process.id}  v${process.version}  proxy ${process.egress}${process.state === 'serving' ? '' : `  ${process.state}`}`;
  return [
    `${harmless(connection)}  ${harmless(identity)}`.slice(0, width),
    `${conditions.join(', ') || 'nothing called yet'}  ${count(perSecond)} req/s  ${percent(share)} % errors`.slice(
      0,
      width,
    ),
  ];
};

/** What stands in the place of a table without a line: what to do. */
export const placeholder = (board: Board, filter: string): string => {
  if (board.process === null) return '';
  if (board.commands.size > 0) return `no name has "${harmless(filter)}" in it`;
  return `send a request through the proxy: curl -x http://${harmless(board.process.egress)} http://example.com/`;
};
