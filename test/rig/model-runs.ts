import fc from 'fast-check';

/** The real thing and its model side by side, with all that belongs to one run. */
export interface World {
  /** Throws where the two differ, or where what must always hold does not. */
  agree(): void;
  /** Gives back what outlives the run. */
  end?(): void;
}

/** One thing that happens to both sides. */
export interface Command<W> {
  run(world: W): void;
  /** How it appears in the report of a failing run. */
  toString(): string;
}

export const command = <W>(words: string, run: (world: W) => void): Command<W> => ({
  run,
  toString: () => words,
});

/** A kind of command: how often it is drawn beside the others, and what is drawn for it. */
export const often = <W>(weight: number, arbitrary: fc.Arbitrary<Command<W>>) => ({ weight, arbitrary });

/** One of several, or undefined where there is none. */
export const pick = <T>(several: readonly T[], which: number): T | undefined =>
  several[which % several.length];

const MAX_COMMANDS = 100;

const { OUTRIGGER_MODEL_RUNS = '10000', OUTRIGGER_MODEL_REPLAY = '' } = process.env;

/** `<seed> <path>`, as a failing run prints them. */
const replayed = (): fc.Parameters<unknown> => {
  const [seed, path] = OUTRIGGER_MODEL_REPLAY.split(' ');
  return path === undefined ? {} : { seed: Number(seed), path, endOnFailure: true };
};

/**
 * Runs up to a hundred random commands in each of OUTRIGGER_MODEL_RUNS (10,000) worlds, and asks after every command
 * whether both sides agree. The shortest run that does not is reported, with what OUTRIGGER_MODEL_REPLAY must be to see
 * it again.
 */
export const checkModel = <Settings, W extends World>(
  settings: fc.Arbitrary<Settings>,
  begin: (settings: Settings) => W,
  commands: readonly { weight: number; arbitrary: fc.Arbitrary<Command<W>> }[],
): void => {
  // Without `size` the runs would be ten commands long at most.
  const runs = fc.array(fc.oneof(...commands), { maxLength: MAX_COMMANDS, size: 'max' });
  const property = fc.property(settings, runs, (chosen, steps) => {
    const world = begin(chosen);
    try {
      world.agree();
      for (const step of steps) {
        step.run(world);
        world.agree();
      }
    } finally {
      world.end?.();
    }
  });
  const details = fc.check(property, { numRuns: Number(OUTRIGGER_MODEL_RUNS), ...replayed() });
  if (!details.failed) return;
  const replay = `To see it again: OUTRIGGER_MODEL_REPLAY='${details.seed} ${details.counterexamplePath}'`;
  throw new Error(`${replay}\n${fc.defaultReportMessage(details)}`, { cause: details.errorInstance });
};
