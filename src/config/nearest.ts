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

/** The word among `known` that `word` was probably meant to be; null when none is close. Case counts for nothing. */
export const nearest = (word: string, known: readonly string[]): string | null => {
  if (word.length > 60) return null;
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const edits = distance(word.toLowerCase(), candidate.toLowerCase());
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
