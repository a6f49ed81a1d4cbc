import { styleText } from 'node:util';
import type { Board } from '../board/board.js';
import { byHurt, type Condition, conditionOf, conditionWords } from '../board/condition.js';
import { count, countdown, duration, percent } from '../board/figures.js';
import type { CommandPicture } from '../board/stream-events.ts';

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

type Colour = 'green' | 'yellow' | 'red' | 'magenta';

const looks: Readonly<
  Record<Condition, { readonly shape: string; readonly plain: string; readonly colour: Colour }>
> = {
  closed: { shape: '●', plain: 'o', colour: 'green' },
  'half-open': { shape: '◆', plain: '?', colour: 'yellow' },
  open: { shape: '✖', plain: 'X', colour: 'red' },
  'forced-open': { shape: '■', plain: '#', colour: 'magenta' },
  'forced-closed': { shape: '■', plain: '#', colour: 'magenta' },
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

interface Column {
  readonly title: string;
  readonly width: number;
  /** The first to go when the terminal is narrow has the highest. */
  readonly rank: number;
  text(command: CommandPicture, board: Board, nowMs: number): string;
}

const latency = (command: CommandPicture, key: string): string =>
  command.latencyExecute.count === 0 ? '-' : duration(command.latencyExecute.percentilesMs[key] ?? 0);

const endpoints = (command: CommandPicture, board: Board, nowMs: number): string => {
  const upstream = board.upstreams.get(command.upstream);
  if (upstream === undefined) return '-';
  const all = upstream.endpoints;
  const inUse = all.filter(
    ({ passedOverUntilMs }) => passedOverUntilMs === null || passedOverUntilMs <= nowMs,
  );
  return `${inUse.length}/${all.length}`;
};

/** Right-aligned figures, between the name and the words at the end. */
const columns: readonly Column[] = [
  { title: 'req/s', width: 6, rank: 1, text: ({ name }, board) => count(board.rates(name).perSecond) },
  { title: 'err %', width: 5, rank: 0, text: ({ name }, board) => percent(board.rates(name).errorPercent) },
  { title: 'p50', width: 8, rank: 5, text: (command) => latency(command, 'p50') },
  { title: 'p99', width: 8, rank: 3, text: (command) => latency(command, 'p99') },
  {
    title: 'in flight',
    width: 9,
    rank: 4,
    text: ({ bulkhead }) => `${bulkhead.inFlight}/${bulkhead.concurrency ?? 'any'}`,
  },
  { title: 'queue', width: 8, rank: 6, text: ({ bulkhead }) => `${bulkhead.queued}/${bulkhead.queueLimit}` },
  { title: 'endp', width: 5, rank: 7, text: endpoints },
];

const conditionWidth = 15;
const leastNameWidth = 12;
const mostNameWidth = 36;
/** Words at the end are worth a column only where some of them fit. */
const leastWordsWidth = 24;

/** What comes next for a breaker that is not simply closed, and why it is so. */
const wordsOf = (command: CommandPicture, nowMs: number): string => {
  const why = harmless(command.why).replace(/; next probe .*$/, '');
  if (command.force !== 'none') {
    if (command.forceEndsAtMs === null)
      return command.forcedBy === 'hand' ? 'by hand, until lifted' : 'by configuration';
    return `by hand, for ${countdown(command.forceEndsAtMs - nowMs)}`;
  }
  if (command.state === 'closed') return '';
  if (command.state === 'half_open' || command.nextProbeAtMs === null) return why;
  const leftMs = command.nextProbeAtMs - nowMs;
  return `${leftMs <= 0 ? 'next request probes' : `probe in ${countdown(leftMs)}`}: ${why}`;
};

const layout = (width: number, names: readonly string[]) => {
  const widest = Math.max(leastNameWidth, ...names.map((name) => name.length));
  const chosen = new Set<Column>();
  let left = width - conditionWidth - 1 - leastNameWidth;
  for (const column of columns.toSorted((a, b) => a.rank - b.rank)) {
    if (left < column.width + 1) break;
    chosen.add(column);
    left -= column.width + 1;
  }
  const spare = Math.max(0, left);
  const nameWidth = Math.min(leastNameWidth + spare, widest, mostNameWidth);
  const words = spare - (nameWidth - leastNameWidth) - 1;
  return {
    nameWidth: Math.min(nameWidth, Math.max(1, width - conditionWidth - 1)),
    columns: columns.filter((column) => chosen.has(column)),
    wordsWidth: words >= leastWordsWidth ? words : 0,
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

/** The table: its head and a line for each command that is wanted. */
export const table = (
  board: Board,
  options: TableOptions,
): { readonly head: string; readonly rows: string[] } => {
  const { width, filter, nowMs, hasColour, hasUnicode } = options;
  const wanted = filter.toLowerCase();
  const commands = sorted(board, options.sort).filter(({ name }) => name.toLowerCase().includes(wanted));
  const plan = layout(
    width,
    commands.map(({ name }) => name),
  );
  const styled = (style: Colour | 'bold' | 'dim', text: string): string =>
    hasColour ? styleText(style, text, { validateStream: false }) : text;
  const line = (
    condition: string,
    name: string,
    cells: readonly string[],
    words: string,
  ): [string, string] => [
    condition.padEnd(conditionWidth).slice(0, Math.min(conditionWidth, width)),
    [
      ` ${fitted(name, plan.nameWidth)}`,
      ...cells,
      ...(plan.wordsWidth > 0 ? [words.slice(0, plan.wordsWidth)] : []),
    ]
      .join(' ')
      .slice(0, Math.max(0, width - conditionWidth))
      .trimEnd(),
  ];
  const cell = (text: string, column: Column): string => text.padStart(column.width).slice(0, column.width);
  const [headCondition, headRest] = line(
    'state',
    'command',
    plan.columns.map((column) => cell(column.title, column)),
    'why',
  );
  const rows = commands.map((command) => {
    const condition = conditionOf(command);
    const { shape, plain, colour } = looks[condition];
    const cells = plan.columns.map((column) => cell(column.text(command, board, nowMs), column));
    const mark = `${hasUnicode ? shape : plain} ${conditionWords[condition]}`;
    const [state, rest] = line(mark, harmless(command.name), cells, wordsOf(command, nowMs));
    return `${styled(colour, state)}${condition === 'closed' ? rest : styled('bold', rest)}`;
  });
  return { head: styled('dim', `${headCondition}${headRest}`), rows };
};

/** What stands above the table: the process, the whole of its traffic, and whether this is true now. */
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
  const conditions = Array.from(counts, ([condition, number]) => `${number} ${conditionWords[condition]}`);
  const share = perSecond === 0 ? 0 : (errorsPerSecond * 100) / perSecond;
  const identity =
    process === null
      ? 'Outrigger'
      : `${process.id}  v${process.version}  proxy ${process.egress}${process.state === 'serving' ? '' : `  ${process.state}`}`;
  return [
    `${harmless(identity)}  ${harmless(connection)}`.slice(0, width),
    `${board.commands.size} commands: ${conditions.join(', ') || 'none yet'}  ${count(perSecond)} req/s  ${percent(share)} % errors`.slice(
      0,
      width,
    ),
  ];
};
