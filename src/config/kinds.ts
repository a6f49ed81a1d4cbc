import * as v from 'valibot';
import { EnvScalar } from './env-scalar.ts';
import { didYouMean } from './nearest.ts';
import { quote } from './problem.ts';
import { formatDuration, formatSize, parseDuration, parsePercent, parseSize } from './units.ts';

/** One kind of value: how it is checked, how it is written back, and how its range is told to people. */
export interface Kind<T> {
  readonly schema: v.GenericSchema<unknown, T>;
  /** The value in the words of the file. */
  write(value: T): unknown;
  readonly range: string;
}

/** Why a value was refused. */
export class Refusal {
  readonly message: string;
  readonly hint: string;

  constructor(message: string, hint = '') {
    this.message = message;
    this.hint = hint;
  }
}

/** `takesText`: what came from the environment is text, whatever it looks like. */
export const leaf = <T>(
  range: string,
  parse: (value: unknown) => T | Refusal,
  write: (value: T) => unknown = (value) => value,
  takesText = false,
): Kind<T> => {
  const schema = v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      const given = dataset.value;
      const value = given instanceof EnvScalar ? (takesText ? given.text : given.value) : given;
      if (value === null) {
        addIssue({ message: 'has no value', expected: `give it one or leave it out: ${range}` });
        return NEVER;
      }
      const parsed = parse(value);
      if (!(parsed instanceof Refusal)) return parsed;
      // The library's word for what would be right is where the hint travels.
      addIssue({ message: parsed.message, expected: parsed.hint });
      return NEVER;
    }),
  );
  return { schema, write, range };
};

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
  readonly example: string;
}

const quantity = (what: Quantity, { min, max, word }: Bounds): Kind<number> => {
  const range = `${what.write(min)} to ${what.write(max)}${word === undefined ? '' : `, or \`${word}\``}`;
  const plainRange = range.replaceAll('`', '');
  const parse = (value: unknown): number | Refusal => {
    if (word !== undefined && value === word) return Number.POSITIVE_INFINITY;
    const parsed = what.read(value);
    if (parsed === null) return new Refusal(`${quote(value)} is not ${what.noun}`, what.example);
    if (parsed < min || parsed > max) return new Refusal(`${quote(value)} is out of range`, plainRange);
    return parsed;
  };
  return leaf(range, parse, (value) => (value === Number.POSITIVE_INFINITY ? word : what.write(value)));
};

const whole = (value: unknown): number | null => (Number.isSafeInteger(value) ? (value as number) : null);
const fromText = (parse: (text: string) => number | null) => (value: unknown) =>
  typeof value === 'string' ? parse(value) : null;

/** In milliseconds. */
export const duration = (bounds: Bounds): Kind<number> =>
  quantity(
    {
      read: fromText(parseDuration),
      write: formatDuration,
      noun: 'a duration',
      example: 'whole numbers with h, m, s or ms, such as 250ms or 1m30s',
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
      example: 'a number of bytes, or with a unit such as 64KiB, 1MiB or 10KB',
    },
    bounds,
  );

/** A whole number. */
export const count = (bounds: Bounds): Kind<number> =>
  quantity({ read: whole, write: (value) => value, noun: 'a whole number', example: 'such as 20' }, bounds);

/** A whole number of percent, as `50` or `50%`. */
export const percent = (min: number): Kind<number> =>
  quantity(
    {
      read: (value) => whole(value) ?? whole(fromText(parsePercent)(value)),
      write: (value) => value,
      noun: 'a whole number of percent',
      example: 'such as 50',
    },
    { min, max: 100 },
  );

/** A share from 0 to 1, written with the percent sign, which is what tells 1% from 1. */
export const share: Kind<number> = leaf(
  '0% to 100%',
  (value) => {
    const parsed = typeof value === 'string' ? parsePercent(value) : null;
    if (parsed === null) return new Refusal(`${quote(value)} is not a percentage`, 'such as 1% or 0.5%');
    return parsed > 100 ? new Refusal(`${quote(value)} is out of range`, '0% to 100%') : parsed / 100;
  },
  // Rounded, because 0.07 * 100 is not quite 7.
  (value) => `${Number((value * 100).toFixed(6))}%`,
);

export const flag: Kind<boolean> = leaf('`true` or `false`', (value) =>
  typeof value === 'boolean' ? value : new Refusal(`${quote(value)} is neither true nor false`),
);

/** One of a few words. */
export const choice = <const T extends string>(...words: readonly T[]): Kind<T> =>
  leaf(words.map((word) => `\`${word}\``).join(', '), (value) => {
    const found = words.find((word) => word === value);
    if (found !== undefined) return found;
    const hint = typeof value === 'string' ? didYouMean(value, words) : `known: ${words.join(', ')}`;
    return new Refusal(`${quote(value)} is not known here`, hint);
  });

/** Text that something has to make sense of. */
export const text = <T>(
  range: string,
  parse: (value: string) => T | Refusal,
  write: (value: T) => unknown = (value) => value,
): Kind<T> =>
  leaf(
    range,
    (value) => {
      if (typeof value === 'string') return parse(value);
      const isScalar = typeof value === 'number' || typeof value === 'boolean';
      return new Refusal(`${quote(value)} is not text`, isScalar ? 'put it in quotes' : '');
    },
    write,
    true,
  );

/** Several values of one kind. */
export const listOf = <T>(item: Kind<T>, range: string, minLength = 0): Kind<readonly T[]> => ({
  schema: v.pipe(
    v.custom<unknown[]>(Array.isArray, 'is not a list'),
    v.array(item.schema),
    v.minLength(minLength, 'is empty'),
  ),
  write: (values) => values.map((value) => item.write(value)),
  range,
});

/** A key that is recognised so that it can be refused in so many words, and never be ignored. */
export const refusing = (message: string, hint = ''): Kind<never> =>
  leaf<never>('', () => new Refusal(message, hint));
