/**
 * A chain of services gets three times its load for ten seconds: does it stand up again? `cascade.ts` tells the story.
 *
 *     node test/experiments/cascade-spike.ts [--short] [--runs N] [--seconds CONTROL_WATCHED] [--raw FOLDER]
 *
 * Takes about 7 min; `--short` 3 min 30 s.
 */
import { capacity, cascadeFigures, runCascadeArms, usualRate } from './cascade.ts';
import { readOptions, runExperiment } from './experiment.ts';

const factor = 3;
const recoveryTargetMs = 5000;

const options = readOptions(3);

await runExperiment(
  `cascade: ${factor} times the load of ${usualRate} requests/s for 10 s, the last service can do ${capacity}/s`,
  async (owner) => {
    const arms = await runCascadeArms(owner, options, {
      begin: (load) => load.setRate(usualRate * factor),
      end: (load) => load.setRate(usualRate),
    });
    return cascadeFigures(arms, capacity * 0.9, recoveryTargetMs);
  },
  600_000,
);
