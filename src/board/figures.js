/** Figures as people read them on a screen: short, at most three digits that matter, a unit where one is needed. */

/**
 * `0`, `0.4`, `12`, `1.2k`, `34k`, `5.6M`.
 * @param {number} value not negative
 */
export const count = (value) => {
  if (value >= 999_500) return `${trimmed(value / 1_000_000)}M`;
  if (value >= 999.5) return `${trimmed(value / 1000)}k`;
  return trimmed(value);
};

/**
 * A percentage without its sign: `0`, `0.4`, `12`, `100`; only all is 100, and only none is 0.
 * @param {number} percent 0–100
 */
export const percent = (percent) => {
  if (percent > 0 && percent < 0.1) return '<0.1';
  if (percent < 100 && percent > 99) return '>99';
  return trimmed(percent);
};

/**
 * A duration: `0.4 ms`, `12 ms`, `1.2 s`, `34 s`, `2 min 5 s`, `10 min`, `3 h 4 min`.
 * @param {number} ms not negative
 */
export const duration = (ms) => {
  if (ms < 999.5) return `${trimmed(ms)} ms`;
  if (ms < 59_500) return `${trimmed(ms / 1000)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return twoUnits(seconds, 'min', 's');
  return twoUnits(Math.round(seconds / 60), 'h', 'min');
};

/**
 * A duration in one unit, for columns where there is room for no more: `12 ms`, `1.2 s`, `2.1 min`, `3.1 h`.
 * @param {number} ms not negative
 */
export const shortDuration = (ms) => {
  if (ms < 59_500) return duration(ms);
  if (ms < 59.5 * 60_000) return `${trimmed(ms / 60_000)} min`;
  return `${count(ms / 3_600_000)} h`;
};

/** How many there are of something: `1 attempt`, `12 attempts`. @param {number} number @param {string} one */
export const plural = (number, one) => `${number} ${number === 1 ? one : `${one}s`}`;

/**
 * What is left of a wait in whole seconds, never 0 before it is over: `5 s`, `1 min 5 s`.
 * @param {number} ms
 */
export const countdown = (ms) => (ms <= 0 ? 'now' : duration(Math.ceil(ms / 1000) * 1000));

/** How long something still lasts: `for 5 s`; where its time is over and nobody has said so yet, `about to end`. @param {number} ms */
export const remaining = (ms) => (ms <= 0 ? 'about to end' : `for ${countdown(ms)}`);

/** @param {number} amount whole @param {string} unit of sixty @param {string} smaller */
const twoUnits = (amount, unit, smaller) => {
  const rest = amount % 60;
  return `${Math.floor(amount / 60)} ${unit}${rest === 0 ? '' : ` ${rest} ${smaller}`}`;
};

/** @param {number} value */
const trimmed = (value) => (value < 9.95 ? String(Math.round(value * 10) / 10) : String(Math.round(value)));

/**
 * Why a breaker opened, as a transition tells it, without when the next probe will be: the list tells of what has been.
 * @param {string} why
 */
export const reasonOf = (why) => why.replace(/; next probe in .*$/, '');
