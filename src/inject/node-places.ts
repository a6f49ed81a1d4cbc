import { isCollection, isPair, type YAMLMap, type YAMLSeq } from 'yaml';
import { cannotEdit } from './complaint.ts';

/** A mapping or a sequence. */
export type Collection = YAMLMap | YAMLSeq;

/** From the first character of a node to the one after its last; null for what was added since the text was read. */
const rangeOf = (node: unknown): readonly [start: number, end: number] | null =>
  typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
    ? [Number(node.range[0]), Number(node.range[1])]
    : null;

const isWritten = (item: unknown): boolean => rangeOf(isPair(item) ? item.key : item) !== null;

/** The items that were in the text from the start. */
export const writtenItems = (collection: Collection): unknown[] => collection.items.filter(isWritten);

/** Where a node or a pair begins, after its anchor and tag. */
export const contentStart = (node: unknown): number => {
  const range = rangeOf(isPair(node) ? node.key : node);
  if (range === null) throw cannotEdit(0);
  return range[0];
};

/** Where what a node or a pair says ends: after its last character, before the comment on that line. */
export const contentEnd = (node: unknown): number => {
  if (isPair(node)) return contentEnd(isWritten(node.value) ? node.value : node.key);
  if (isCollection(node) && node.flow !== true) {
    const last = node.items.findLast(isWritten);
    if (last !== undefined) return contentEnd(last);
  }
  const range = rangeOf(node);
  if (range === null) throw cannotEdit(0);
  return range[1];
};

/** The column, from 0, of the keys of a block mapping or of the dashes of a block sequence. */
export const columnOf = (collection: Collection): number => {
  const token = collection.srcToken;
  if (token?.type === 'block-map' || token?.type === 'block-seq') return token.indent;
  throw cannotEdit(contentStart(collection));
};

const isProperty = ({ type }: { readonly type: string }): boolean => type === 'anchor' || type === 'tag';

/** Where an item begins: with its dash, in a flow with its anchor and tag. */
export const itemStart = (collection: Collection, item: unknown): number => {
  const start = contentStart(item);
  const token = collection.srcToken;
  if (token?.type === 'block-seq') {
    const dashes = token.items.flatMap((each) => each.start.filter(({ type }) => type === 'seq-item-ind'));
    const own = dashes.findLast(({ offset }) => offset < start);
    if (own === undefined) throw cannotEdit(start);
    return own.offset;
  }
  if (token?.type !== 'flow-collection') return start;
  const own = token.items.find(({ key, value }) => [key, value].some((part) => part?.offset === start));
  return own?.start.find(isProperty)?.offset ?? start;
};

/** The start of the line that an offset is in. */
export const lineStart = (text: string, offset: number): number =>
  offset === 0 ? 0 : text.lastIndexOf('\n', offset - 1) + 1;

/** The start of the line after that of an offset; the offset itself where it follows the end of a line. */
export const nextLine = (text: string, offset: number): number => {
  if (offset > 0 && text[offset - 1] === '\n') return offset;
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
};

/** What stands before an offset in its line, when that is nothing but space; else null. */
export const indentBefore = (text: string, offset: number): string | null => {
  const before = text.slice(lineStart(text, offset), offset);
  return /^[ \t]*$/.test(before) ? before : null;
};

/** The start of the comments that stand directly above the line that begins at `offset`. */
export const aboveComments = (text: string, offset: number): number => {
  let start = offset;
  while (start > 0) {
    const above = lineStart(text, start - 1);
    if (!/^[ \t]*#/.test(text.slice(above, start))) break;
    start = above;
  }
  return start;
};
