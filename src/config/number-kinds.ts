import { type JsonSchema, type Kind, leaf, oneOfForms, Refusal, textForm } from './kinds.ts';
import {
  durationPattern,
  formatDuration,
  formatSize,
  parseDuration,
  parsePercent,
  parseSize,
  percentPattern,
  sizePattern,
} from './units.ts';
import { durationHint, sizeHint, wholeHint } from './value-hints.ts';

/** A word that stands for Infinity, where a key allows one. */
type Boundless = 'unlimited' | 'none' | 'off';

interface Bounds {
  readonly min: number;
  readonly max: number;
  readonly word?: Boundless;
}

interface Quantity {
  readonly read: (value: unknown) => number | null;
  readonly write: (value: number) => unknown;
  readonly noun: string;
  readonly hint: (value: unknown) => string;
  readonly forms: readonly JsonSchema[];
}

const quantity = (what: Quantity, { min, max, word }: Bounds): Kind<number> => {
  const range = `${what.write(min)} to ${what.write(max)}${word === undefined ? '' : `, or \`${word}\``}`;
  const plainRange = range.replaceAll('`', '');
  const parse = (value: unknown): number | Refusal => {
    if (word !== undefined && value === word) return Number.POSITIVE_INFINITY;
    const parsed = what.read(value);
    if (parsed === null) return new Refusal(`is not ${what.noun}`, what.hint(value));
    if (parsed < min || parsed > max) return new Refusal('is out of range', plainRange);
    return parsed;
  };
  return leaf({
    range,
    json: oneOfForms(...what.forms, ...(word === undefined ? [] : [{ enum: [word] }])),
    parse,
    write: (value) => (value === Number.POSITIVE_INFINITY ? word : what.write(value)),
  });
};

// Plus 0, because -0 is a whole number as well, and prints as 0.
const whole = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) + 0 : null);
const wholeForm = ({ min, max }: Bounds): JsonSchema => ({ type: 'integer', minimum: min, maximum: max });
const fromText = (parse: (text: string) => number | null) => (value: unknown) =>
  typeof value === 'string' ? parse(value) : null;

/** In milliseconds. */
export const duration = (bounds: Bounds): Kind<number> =>
  quantity(
    {
      read: fromText(parseDuration),
      write: formatDuration,
      noun: 'a duration',
      hint: durationHint,
      forms: [{ type: 'string', pattern: durationPattern.source }],
    },
    bounds,
  );

/** In bytes. */
export const size = (bounds: Bounds): Kind<number> =>
  quantity(
    {
      read: (value) => whole(value) ?? fromText(parseSize)(value),
      write: formatSize,
      noun: 'a size',
      hint: sizeHint,
      forms: [wholeForm(bounds), { type: 'string', pattern: sizePattern.source }],
    },
    bounds,
  );

/** A whole number. */
export const count = (bounds: Bounds): Kind<number> =>
  quantity(
    {
      read: whole,
      write: (value) => value,
      noun: 'a whole number',
      hint: (value) => wholeHint(value),
      forms: [wholeForm(bounds)],
    },
    bounds,
  );

/** A whole number of percent, as `50` or `50%`. */
export const percent = (min: number): Kind<number> => {
  const bounds = { min, max: 100 };
  return quantity(
    {
      read: (value) => whole(value) ?? whole(fromText(parsePercent)(value)),
      write: (value) => value,
      noun: 'a whole number of percent',
      hint: (value) => wholeHint(value, 50),
      forms: [wholeForm(bounds), { type: 'string', pattern: percentPattern.source }],
    },
    bounds,
  );
};

/** A share from 0 to 1, written with the percent sign, which is what tells 1% from 1. */
export const share: Kind<number> = leaf({
  range: '0% to 100%',
  json: textForm(percentPattern),
  parse: (value) => {
    const parsed = typeof value === 'string' ? parsePercent(value) : null;
    if (parsed === null) return new Refusal('is not a percentage', 'such as 1% or 0.5%');
    return parsed > 100 ? new Refusal('is out of range', '0% to 100%') : parsed / 100;
  },
  // Rounded, because 0.07 * 100 is not quite 7.
  write: (value) => `${Number((value * 100).toFixed(6))}%`,
});
