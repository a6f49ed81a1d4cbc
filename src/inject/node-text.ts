import { type Document, isMap, isPair, isSeq, stringify, visit } from 'yaml';

/** How the text around is written. */
export interface TextStyle {
  /** Whether dashes stand further right than the key above them. */
  readonly isSeqIndented: boolean;
  /** `\n`, or `\r\n`. */
  readonly lineEnd: string;
}

/** Style as in the first list of a document. */
export const styleOf = (text: string, document: Document): TextStyle => {
  let isSeqIndented = true;
  visit(document, {
    Seq: (_, seq, path) => {
      const pair = path.at(-1);
      const map = path.at(-2);
      if (!isPair(pair) || !isMap(map) || !isSeq(seq)) return undefined;
      if (seq.srcToken?.type !== 'block-seq' || map.srcToken?.type !== 'block-map') return undefined;
      isSeqIndented = seq.srcToken.indent > map.srcToken.indent;
      return visit.BREAK;
    },
  });
  return { isSeqIndented, lineEnd: text.includes('\r\n') ? '\r\n' : '\n' };
};

const indented = (text: string, indent: string, lineEnd: string): string =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : indent + line))
    .join(lineEnd);

/** A value in block style from this column on, without the end of the last line: a mapping's pairs, or items. */
export const blockText = (value: unknown, column: number, { isSeqIndented, lineEnd }: TextStyle): string =>
  indented(
    stringify(value, { lineWidth: 0, indentSeq: isSeqIndented, aliasDuplicateObjects: false }),
    ' '.repeat(column),
    lineEnd,
  );

/** How a flow is laid out: each item in its own line, with this before it and so much more for each level; or not. */
export type FlowLayout = { readonly indent: string; readonly step: string } | null;

/** A value in JSON, which is flow style as well. */
export const flowText = (value: unknown, layout: FlowLayout, lineEnd: string): string =>
  layout === null
    ? JSON.stringify(value)
    : JSON.stringify(value, null, layout.step).replaceAll('\n', lineEnd + layout.indent);
