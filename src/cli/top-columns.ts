import type { Board } from '../board/board.js';
import { count, percent, shortDuration } from '../board/figures.js';
import type { CommandPicture } from '../board/stream-events.ts';

/** How a piece of a line looks where the terminal has colours. */
export type Style = 'green' | 'yellow' | 'red' | 'magenta' | 'bold' | 'dim';

/** What a cell says, and whether that is bad news. */
export interface Cell {
  readonly text: string;
  readonly style?: Style | false;
}

/** A column of figures. */
export interface Column {
  readonly title: string;
  /** Enough for whatever it may say: a figure that is cut short is another figure. */
  readonly width: number;
  /** The first to go when the terminal is narrow has the highest. */
  readonly rank: number;
  cell(command: CommandPicture, board: Board, nowMs: number): Cell;
}

const latency = (command: CommandPicture, key: string): Cell => ({
  text:
    command.latencyExecute.count === 0 ? '-' : shortDuration(command.latencyExecute.percentilesMs[key] ?? 0),
});

const used = (number: number, limit: number | null): Cell => ({
  text: `${count(number)}/${limit === null ? 'any' : count(limit)}`,
  style: limit !== null && limit > 0 && number >= limit && 'red',
});

const endpoints = (command: CommandPicture, board: Board, nowMs: number): Cell => {
  const upstream = board.upstreams.get(command.upstream);
  if (upstream === undefined) return { text: '-' };
  const all = upstream.endpoints;
  const inUse = all.filter(
    ({ passedOverUntilMs }) => passedOverUntilMs === null || passedOverUntilMs <= nowMs,
  );
  return {
    text: `${count(inUse.length)}/${count(all.length)}`,
    style: (inUse.length < all.length || all.length === 0) && 'yellow',
  };
};

const errors = ({ name }: CommandPicture, board: Board): Cell => {
  const { errorPercent } = board.rates(name);
  return { text: percent(errorPercent), style: errorPercent >= 1 && 'red' };
};

/** Right-aligned figures, between the name and the words at the end. */
export const columns: readonly Column[] = [
  {
    title: 'req/s',
    width: 6,
    rank: 1,
    cell: ({ name }, board) => ({ text: count(board.rates(name).perSecond) }),
  },
  { title: 'err %', width: 5, rank: 0, cell: errors },
  { title: 'p50', width: 8, rank: 5, cell: (command) => latency(command, 'p50') },
  { title: 'p99', width: 8, rank: 3, cell: (command) => latency(command, 'p99') },
  {
    title: 'in flight',
    width: 9,
    rank: 4,
    cell: ({ bulkhead }) => used(bulkhead.inFlight, bulkhead.concurrency),
  },
  { title: 'queue', width: 9, rank: 6, cell: ({ bulkhead }) => used(bulkhead.queued, bulkhead.queueLimit) },
  { title: 'endp', width: 9, rank: 7, cell: endpoints },
];
