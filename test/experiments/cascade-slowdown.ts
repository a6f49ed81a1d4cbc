/**
 * The last service of a chain is slow for ten seconds: does the chain stand up again? `cascade.ts` tells the story.
 *
 *     node test/experiments/cascade-slowdown.ts [--short] [--runs N] [--seconds CONTROL_WATCHED] [--raw FOLDER]
 *
 * Takes about 7 min; `--short` 3 min 30 s.
 */
import { capacity, cascadeFigures, runCascadeArms } from './cascade.ts';
import { readOptions, runExperiment } from './experiment.ts';

/** What C can do in a second while it is slow. */
const slowCapacity = 60;
/** Five seconds, and one sleep of a breaker. */
const recoveryTargetMs = 10_000;

const options = readOptions(3);

await runExperiment(
  `cascade: the last service slows from ${capacity} to ${slowCapacity} requests/s for 10 s`,
  async (owner) => {
    const arms = await runCascadeArms(owner, options, {
      begin: (_load, c) => c.set({ kind: 'queue', serviceMs: 1000 / slowCapacity }),
      end: (_load, c) => c.set({ kind: 'queue', serviceMs: 1000 / capacity }),
    });
    return cascadeFigures(arms, slowCapacity * 0.9, recoveryTargetMs);
  },
  600_000,
);
