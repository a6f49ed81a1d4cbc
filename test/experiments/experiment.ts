import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Owner } from '../rig/owner.ts';

/** One line of an experiment's result. */
export interface Figure {
  readonly figure: string;
  readonly measured: string | number;
  readonly target: string | number;
  /** The same figure without the sidecar, or with naive settings. */
  readonly control?: string | number;
  /** Undefined: no target, only reported. */
  readonly isMet?: boolean;
}

/** What every experiment with arms may be told on its command line. */
export interface ExperimentOptions {
  /** `--short`: shorter phases and a single run, for those who work on it. The figures that count are those of the long form. */
  readonly isShort: boolean;
  /** `--runs N`. */
  readonly runs: number;
  /** `--seconds N`: how long the longest phase is to be; which that is, the experiment says. */
  readonly seconds: number | undefined;
  /** `--raw FOLDER`: keeps what was measured, not only what was made of it. */
  readonly keepRaw: (name: string, data: unknown) => void;
}

/** Reads the command line; anything unknown is an error. */
export const readOptions = (runs = 1): ExperimentOptions => {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { short: { type: 'boolean' }, runs: text, seconds: text, raw: text },
  });
  const { short: isShort = false, raw } = values;
  const seconds = values.seconds === undefined ? undefined : Number(values.seconds);
  const keepRaw = (name: string, data: unknown): void => {
    if (raw === undefined) return;
    mkdirSync(raw, { recursive: true });
    const file = `${basename(process.argv[1]!, '.ts')}-${name.replaceAll(/[^\w.]+/g, '-')}.json`;
    writeFileSync(join(raw, file), JSON.stringify(data));
  };
  return { isShort, runs: Number(values.runs ?? (isShort ? 1 : runs)), seconds, keepRaw };
};

type Closer = () => unknown;

const closeAll = async (closers: Closer[]): Promise<void> => {
  for (let close = closers.pop(); close !== undefined; close = closers.pop()) await close();
};

/** A part of an experiment that closes what it opened before the next begins. */
export const runArm = async <T>(
  owner: Owner,
  name: string,
  arm: (owner: Owner) => Promise<T>,
): Promise<T> => {
  console.log(`${new Date().toISOString().slice(11, 19)} ${name}`);
  const closers: Closer[] = [];
  // Should the experiment be given up in the middle of the arm.
  owner.after(() => closeAll(closers));
  try {
    return await arm({ after: (close) => closers.push(close) });
  } finally {
    await closeAll(closers);
  }
};

/**
 * Runs an experiment, closes what it opened, prints its table; the exit code says whether every target was met. After
 * `limitMs`, or when it is interrupted, it is given up.
 */
export const runExperiment = async (
  title: string,
  experiment: (owner: Owner) => Promise<readonly Figure[]>,
  limitMs = 120_000,
): Promise<void> => {
  const closers: Closer[] = [];
  try {
    const limit = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`${title}: given up after ${limitMs} ms`)), limitMs).unref();
      for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Error(signal)));
    });
    const figures = await Promise.race([experiment({ after: (close) => closers.push(close) }), limit]);
    console.log(`\n${title}`);
    printTable(figures);
    if (figures.some(({ isMet }) => isMet === false)) process.exitCode = 1;
  } catch (error) {
    console.error(error);
    process.exitCode = 1;
  } finally {
    await closeAll(closers);
    // What was given up may still hold the process.
    process.exit();
  }
};

const printTable = (figures: readonly Figure[]): void => {
  const hasControl = figures.some(({ control }) => control !== undefined);
  console.table(
    figures.map(({ figure, measured, target, control = '', isMet }) => ({
      figure,
      measured,
      target,
      ...(hasControl ? { control } : {}),
      met: isMet === undefined ? '' : isMet ? 'yes' : 'NO',
    })),
  );
};

const rounded = (value: number): number => Math.round(value * 1000) / 1000;

/** A figure that must be a number not above its target. */
export const atMost = (figure: string, measured: number, target: number): Figure => ({
  figure,
  measured: rounded(measured),
  target: `≤ ${rounded(target)}`,
  isMet: measured <= target,
});

/** A figure that must be a number not below its target. */
export const atLeast = (figure: string, measured: number, target: number): Figure => ({
  figure,
  measured: rounded(measured),
  target: `≥ ${rounded(target)}`,
  isMet: measured >= target,
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
  measured: typeof measured === 'number' ? rounded(measured) : measured,
  target: '',
});

/** The same figure beside what the control arm shows. */
export const beside = (figure: Figure, control: string | number): Figure => ({
  ...figure,
  control: typeof control === 'number' ? rounded(control) : control,
});

/** The control arm must fail, or the experiment shows nothing: this figure is its failure. */
export const controlAtMost = (figure: string, control: number, target: number): Figure => ({
  figure,
  measured: '',
  target: `control ≤ ${rounded(target)}`,
  control: rounded(control),
  isMet: control <= target,
});
