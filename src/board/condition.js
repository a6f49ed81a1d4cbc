/** @import { CommandPicture } from './stream-events.ts' */
/** @import { Board } from './board.js' */

/**
 * What somebody who looks must see of a breaker: what callers meet, and whether that was forced.
 * @typedef {'forced-open' | 'open' | 'half-open' | 'forced-closed' | 'closed'} Condition
 */

/**
 * @param {Pick<CommandPicture, 'state' | 'force'>} command
 * @returns {Condition}
 */
export const conditionOf = ({ state, force }) => {
  if (force !== 'none') return `forced-${force}`;
  return state === 'half_open' ? 'half-open' : state;
};

/** The condition in a word or two. */
export const conditionWords = Object.freeze({
  'forced-open': 'forced open',
  open: 'open',
  'half-open': 'half-open',
  'forced-closed': 'forced closed',
  closed: 'closed',
});

/** Open hurts most; a forced closed one hides what it would do. */
const ranks = Object.freeze({ open: 0, 'forced-open': 1, 'half-open': 2, 'forced-closed': 3, closed: 4 });

/**
 * The commands by what hurts: open before forced open before half-open before the rest, then by errors per second, then
 * by name: where nothing hurts nothing changes places only because traffic comes and goes.
 * @param {Board} board
 * @returns {CommandPicture[]}
 */
export const byHurt = (board) => {
  const keyed = [...board.commands.values()].map((command) => {
    const { errorsPerSecond } = board.rates(command.name);
    return { command, rank: ranks[conditionOf(command)], errorsPerSecond };
  });
  keyed.sort(
    (a, b) =>
      a.rank - b.rank || b.errorsPerSecond - a.errorsPerSecond || (a.command.name < b.command.name ? -1 : 1),
  );
  return keyed.map(({ command }) => command);
};
