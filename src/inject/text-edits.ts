import { cannotEdit } from './complaint.ts';

/** A change of the text. Of several insertions at one place, that of the deepest level comes first. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly depth: number;
}

/** The text with all its changes. Throws ManifestError where two of them want the same characters. */
export const applyEdits = (text: string, edits: readonly Edit[]): string => {
  const ordered = edits.toSorted(
    (a, b) => a.start - b.start || Number(a.end > a.start) - Number(b.end > b.start) || b.depth - a.depth,
  );
  let result = '';
  let done = 0;
  for (const edit of ordered) {
    if (edit.start < done) throw cannotEdit(edit.start);
    result += text.slice(done, edit.start) + edit.text;
    done = edit.end;
  }
  return result + text.slice(done);
};
