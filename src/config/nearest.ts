/** Edits (insert, delete, replace, swap of neighbours) that turn one word into the other. */
const distance = (a: string, b: string): number => {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      let cost = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + (isSame ? 0 : 1),
      );
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (isSwap) cost = Math.min(cost, before[column - 2]! + 1);
      current.push(cost);
    }
    before = previous;
    previous = current;
  }
  return previous[b.length]!;
};

/** Without case, `_` and `-`: `time_out`, `Timeout` and `timeout` are one word. */
export const fold = (word: string): string => word.toLowerCase().replace(/[_-]/g, '');

/** Longer words are no slip of the finger, and comparing them would take time. */
const maxLength = 60;

/** The word among `known` that `word` was probably meant to be; null when none is close. */
export const nearest = (word: string, known: readonly string[]): string | null => {
  if (word.length > maxLength) return null;
  const folded = fold(word);
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(folded.length / 3)) + 1;
  for (const candidate of known) {
    const other = fold(candidate);
    // One that was cut short, or spelled out: `warning` for `warn`, `conn` for `connect`.
    const isPart =
      Math.min(folded.length, other.length) >= 3 && (folded.startsWith(other) || other.startsWith(folded));
    const edits = isPart ? Math.min(1, distance(folded, other)) : distance(folded, other);
    if (edits < bestDistance) {
      best = candidate;
      bestDistance = edits;
    }
  }
  return best;
};

/** A hint for a word that is not among `known`: the nearest one, or all of them. */
export const didYouMean = (word: string, known: readonly string[]): string => {
  const candidate = nearest(word, known);
  if (candidate !== null) return `did you mean "${candidate}"?`;
  return known.length === 0 ? '' : `known: ${known.join(', ')}`;
};
