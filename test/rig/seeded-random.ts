/** Numbers that look random and are the same in every run, 0 ≤ x < 1 (a linear congruential generator). */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
};
