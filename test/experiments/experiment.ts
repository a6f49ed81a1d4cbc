import type { Owner } from '../rig/owner.ts';

/** One line of an experiment's result. */
export interface Figure {
  readonly figure: string;
  readonly measured: string | number;
  readonly target: string | number;
  /** Undefined: no target, only reported. */
  readonly isMet?: boolean;
}

/**
 * Runs an experiment, closes what it opened, prints its table; the exit code says whether every target was met. After
 * `limitMs` it is given up.
 */
export const runExperiment = async (
  title: string,
  experiment: (owner: Owner) => Promise<readonly Figure[]>,
  limitMs = 120_000,
): Promise<void> => {
  const closers: (() => unknown)[] = [];
  try {
    const limit = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`${title}: given up after ${limitMs} ms`)), limitMs).unref();
    });
    const figures = await Promise.race([experiment({ after: (close) => closers.push(close) }), limit]);
    console.log(`\n${title}`);
    console.table(
      figures.map(({ figure, measured, target, isMet }) => ({
        figure,
        measured,
        target,
        met: isMet === undefined ? '' : isMet ? 'yes' : 'NO',
      })),
    );
    if (figures.some(({ isMet }) => isMet === false)) process.exitCode = 1;
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    for (const close of closers.reverse()) await close();
    // What was given up may still hold the process.
    process.exit();
  }
};

/** A figure that must be a number not above its target. */
export const atMost = (figure: string, measured: number, target: number): Figure => ({
  figure,
  measured: Math.round(measured * 1000) / 1000,
  target: `≤ ${Math.round(target * 1000) / 1000}`,
  isMet: measured <= target,
});

/** A figure that must be exactly its target. */
export const exactly = (figure: string, measured: number, target: number): Figure => ({
  figure,
  measured,
  target,
  isMet: measured === target,
});

export const reported = (figure: string, measured: string | number): Figure => ({
  figure,
  measured,
  target: '',
});

/** The value below which so many percent of the values are; NaN without values. */
export const percentile = (values: readonly number[], percent: number): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
};
