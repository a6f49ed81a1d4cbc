import { computed, signal } from '@preact/signals';
import { Board } from '../../board/board.js';
import { conditionOf } from '../../board/condition.js';

/** @import { Condition } from '../../board/condition.js' */

/**
 * How the stream fares. `sinceMs` is on this browser's own clock (`performance.now()`).
 * @typedef {object} Connection
 * @property {'connecting' | 'live' | 'lost'} state
 * @property {number} sinceMs
 * @property {string} why What to do about it, or nothing.
 */

/** What the stream has told so far. It changes in place: read {@link version} to hear of it. */
export const board = new Board();

/** Grows with every event of the stream. */
export const version = signal(0);

/** @type {import('@preact/signals').Signal<Connection>} */
export const connection = signal({ state: 'connecting', sinceMs: performance.now(), why: '' });

/** When the board's `nowMs` was heard, on this browser's clock. */
let heardAtMs = performance.now();

/**
 * Now on the process's clock, as far as can be told here: what points in time of the stream are compared with. It stands
 * still while the stream is lost, since nobody knows what happens meanwhile.
 */
export const now = () => {
  const { state, sinceMs } = connection.peek();
  return board.nowMs + Math.max(0, (state === 'lost' ? sinceMs : performance.now()) - heardAtMs);
};

/** How old what is shown is. */
export const ageMs = () => performance.now() - heardAtMs;

/** To be called after each event has gone into the board. @param {boolean} withTime it told the time */
export const heard = (withTime) => {
  if (withTime) heardAtMs = performance.now();
  version.value += 1;
};

/** Four times a second, for what counts down; it stands still while the page is hidden. */
export const moment = signal(0);
setInterval(() => {
  if (!document.hidden) moment.value += 1;
}, 250);

/** The command whose detail is shown, by the address's fragment `#/NAME`; null: none. */
const selectedByAddress = () => {
  const [, encoded] = /^#\/(.+)$/.exec(location.hash) ?? [];
  if (encoded === undefined) return null;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
};
export const selected = signal(selectedByAddress());
addEventListener('hashchange', () => {
  selected.value = selectedByAddress();
});

/** The address that shows the detail of a command. @param {string} name */
export const addressOf = (name) => `#/${encodeURIComponent(name)}`;

/** What the viewer wants to see: part of a name, and a condition or all of them. */
export const wantedText = signal('');
/** @type {import('@preact/signals').Signal<Condition | null>} */
export const wantedCondition = signal(null);

/** How many commands are in each condition. */
export const conditionCounts = computed(() => {
  version.value;
  /** @type {Record<Condition, number>} */
  const counts = { open: 0, 'forced-open': 0, 'half-open': 0, 'forced-closed': 0, closed: 0 };
  for (const command of board.commands.values()) counts[conditionOf(command)] += 1;
  return counts;
});
