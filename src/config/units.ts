import type { StatusRange } from '../policy/policies.ts';

/** How a duration is written. */
export const durationPattern = /^(?:[0-9]{1,5}(?:h|ms|m|s)){1,4}$/;
const durationPart = /([0-9]+)(h|ms|m|s)/g;
const unitMs = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/** A Gateway API duration (GEP-2257: `250ms`, `1m30s`; h, m, s, ms; whole numbers of at most five digits) in ms; else null. */
export const parseDuration = (text: string): number | null => {
  if (!durationPattern.test(text)) return null;
  let total = 0;
  for (const [, digits, unit] of text.matchAll(durationPart)) {
    total += Number(digits) * unitMs[unit as keyof typeof unitMs];
  }
  return total;
};

/** The shortest way to write a duration; `ms` is whole and below 100 000 hours. */
export const formatDuration = (ms: number): string => {
  if (ms === 0) return '0s';
  let rest = ms;
  let text = '';
  for (const [unit, size] of Object.entries(unitMs)) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
};

/** How a size with a unit is written. */
export const sizePattern = /^([0-9]{1,12})(B|KB|MB|GB|KiB|MiB|GiB)$/;
const unitBytes = {
  B: 1,
  KB: 1000,
  MB: 1000 ** 2,
  GB: 1000 ** 3,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
} as const;

/** `64KiB`, `10MB`, `512B` in bytes; else null. */
export const parseSize = (text: string): number | null => {
  const match = sizePattern.exec(text);
  if (match === null) return null;
  return Number(match[1]) * unitBytes[match[2] as keyof typeof unitBytes];
};

/** `64KiB` where it comes out even, else plain bytes. */
export const formatSize = (bytes: number): string | number => {
  if (bytes === 0) return 0;
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes % unitBytes[unit] === 0) return `${bytes / unitBytes[unit]}${unit}`;
  }
  return bytes;
};

/** How a status or a range of them is written. */
export const rangePattern = /^([1-5][0-9]{2})(?:-([1-5][0-9]{2}))?$/;

/** `500-599` or `404`: statuses between 100 and 599, both ends included; else null. */
export const parseStatusRange = (text: string): StatusRange | null => {
  const match = rangePattern.exec(text);
  if (match === null) return null;
  const from = Number(match[1]);
  const to = match[2] === undefined ? from : Number(match[2]);
  return from <= to ? { from, to } : null;
};

/** `500-599`, or a plain number for one status. */
export const formatStatusRange = (range: StatusRange): string | number =>
  range.from === range.to ? range.from : `${range.from}-${range.to}`;

/** How a percentage is written. */
export const percentPattern = /^([0-9]{1,3}(?:\.[0-9]{1,6})?)%$/;

/** `50%` or `0.5%` as a number of percent; else null. */
export const parsePercent = (text: string): number | null => {
  const match = percentPattern.exec(text);
  return match === null ? null : Number(match[1]);
};
