import type { FieldTable } from './field-table.ts';
import { CLASS, COLON, CR, FIELD_TEXT, isBlank, LF, SP } from './grammar.ts';

/** Some bytes of a message that begins at `first`: from the beginning of a field line, `from`, up to `stop`. */
export interface FieldBytes {
  readonly bytes: Uint8Array;
  readonly first: number;
  readonly from: number;
  readonly stop: number;
}

/**
 * Takes whole field lines of the usual form into the table, `Name: value` without other white space around the value:
 * nearly all that ever come, in one pass without states. Returns where the first other line begins. Whatever is wrong in
 * that one or missing of it, the caller finds out by itself. `nameClass`: what a name may be made of.
 */
export const takePlainFields = (
  { bytes, first, from, stop }: FieldBytes,
  table: FieldTable,
  nameClass: number,
  maxFields: number,
): number => {
  let lineStart = from;
  while (table.count < maxFields) {
    let i = lineStart;
    while (i < stop && (CLASS[bytes[i]!]! & nameClass) !== 0) i += 1;
    const nameEnd = i;
    const valueStart = i + 2;
    if (i === lineStart || valueStart >= stop || bytes[i] !== COLON || bytes[i + 1] !== SP) break;
    i = valueStart;
    while (i < stop && (CLASS[bytes[i]!]! & FIELD_TEXT) !== 0) i += 1;
    if (i + 1 >= stop || bytes[i] !== CR || bytes[i + 1] !== LF) break;
    if (i === valueStart || isBlank(bytes[valueStart]!) || isBlank(bytes[i - 1]!)) break;
    table.add(bytes, first, lineStart - first, nameEnd - first, valueStart - first, i - first);
    lineStart = i + 2;
  }
  return lineStart;
};
