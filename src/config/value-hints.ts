import { formatDuration } from './units.ts';

/** A single value as text; empty for a list or a mapping, which may have no text at all. */
export const scalarText = (value: unknown): string => (typeof value === 'object' ? '' : String(value));

const durationExample = 'whole numbers with h, m, s or ms, such as 250ms or 1m30s';
const looseDuration = /^([0-9]{1,6}(?:\.[0-9]{1,6})?) *(d|h|m|s|ms|[a-z]{3,12})$/;
const unitNames: readonly (readonly [name: RegExp, ms: number])[] = [
  [/^d(?:ays?)?$/, 86_400_000],
  [/^h(?:rs?|ours?)?$/, 3_600_000],
  [/^m(?:ins?|inutes?)?$/, 60_000],
  [/^s(?:ecs?|econds?)?$/, 1000],
  [/^m(?:s|secs?|illis|illiseconds?)$/, 1],
];

/** What somebody meant who wrote `5`, `1.5s` or `5 minutes` for a duration. */
export const durationHint = (value: unknown): string => {
  const text = scalarText(value).toLowerCase();
  if (/^[0-9]{1,5}$/.test(text)) {
    return Number(text) === 0 ? 'with a unit: 0s' : `with a unit: ${Number(text)}s or ${Number(text)}ms`;
  }
  const [, amount, unit = ''] = looseDuration.exec(text) ?? [];
  const unitMs = unitNames.find(([name]) => name.test(unit))?.[1];
  const ms = Number(amount) * (unitMs ?? Number.NaN);
  return Number.isSafeInteger(ms) ? `write ${formatDuration(ms)}` : durationExample;
};

const sizeExample = 'a number of bytes, or with a unit such as 64KiB, 1MiB or 10KB';

/** What somebody meant who wrote `64k`, `1 mib` or `"512"` for a size. */
export const sizeHint = (value: unknown): string => {
  const [, digits, unit = ''] = /^([0-9]{1,12}) *(b|[kmg]i?b?)?$/i.exec(scalarText(value)) ?? [];
  if (digits === undefined) return sizeExample;
  if (unit === '') return `without the quotes: ${Number(digits)}`;
  // A letter alone is 1024, as people who copy the limits of containers mean it.
  const isDecimal = /^[kmg]?b$/i.test(unit);
  const prefix = unit.charAt(0).toUpperCase();
  return `write ${digits}${prefix === 'B' ? 'B' : `${prefix}${isDecimal ? 'B' : 'iB'}`}`;
};

/** What somebody meant who wrote `"20"` for a whole number. */
export const wholeHint = (value: unknown, example = 20): string =>
  typeof value === 'string' && /^ *[0-9]{1,9} *$/.test(value)
    ? `without the quotes: ${Number(value)}`
    : `such as ${example}`;

/** What somebody meant who wrote one of YAML 1.1's words for a boolean. */
export const flagHint = (value: unknown): string => {
  const word = scalarText(value).toLowerCase();
  if (/^(?:true|yes|y|on|1)$/.test(word)) return 'write true';
  return /^(?:false|no|n|off|0)$/.test(word) ? 'write false' : 'write true or false';
};
