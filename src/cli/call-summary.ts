import type { CommandTally } from '../runtime/call-tally.ts';

const formatOpen = (openMs: number): string => (openMs === 0 ? '-' : `${(openMs / 1000).toFixed(1)} s`);

const columns: readonly (readonly [title: string, read: (tally: CommandTally) => string])[] = [
  ['calls', ({ calls }) => String(calls)],
  ['failed', ({ failed }) => String(failed)],
  ['refused', ({ refused }) => String(refused)],
  ['fallback', ({ fallback }) => String(fallback)],
  ['retries', ({ retries }) => String(retries)],
  ['open', ({ openMs }) => formatOpen(openMs)],
];

/** Longer names are cut, so that the figures stay in one column. */
const MAX_NAME = 48;

const shorten = (name: string): string =>
  name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME - 1)}…`;

/** What was called, and how it went: a table for people, one line a command. One line where nothing was. */
export const callSummary = (tallies: readonly CommandTally[]): readonly string[] => {
  if (tallies.length === 0) return ['outrigger: no calls went through the proxy'];
  const rows = tallies.map((tally) => [shorten(tally.command), ...columns.map(([, read]) => read(tally))]);
  const table = [['outrigger:', ...columns.map(([title]) => title)], ...rows];
  const widths = table[0]!.map((_, index) => Math.max(...table.map((row) => row[index]!.length)));
  return table.map((row) =>
    row
      .map((cell, index) => (index === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[index]!)))
      .join('  '),
  );
};
