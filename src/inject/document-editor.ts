import { isDeepStrictEqual } from 'node:util';
import { type Document, isSeq, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { cannotEdit } from './complaint.ts';
import { dataOf, parseManifest } from './manifest-document.ts';
import { pairOf } from './node-lookup.ts';
import {
  aboveComments,
  type Collection,
  columnOf,
  contentEnd,
  contentStart,
  indentBefore,
  itemStart,
  lineStart,
  nextLine,
  writtenItems,
} from './node-places.ts';
import { blockText, type FlowLayout, flowText, styleOf, type TextStyle } from './node-text.ts';
import { type SharedNode, sharedNodesOf } from './shared-nodes.ts';
import { applyEdits, type Edit } from './text-edits.ts';

/** What a flow held, and what of it goes. */
interface FlowCuts {
  readonly all: readonly unknown[];
  readonly gone: Set<unknown>;
}

/** Deeper than any block. */
const flowDepth = 1_000_000;

/** A list may stand as far left as its key, and is deeper all the same. */
const depthOf = (collection: Collection): number =>
  collection.flow === true ? flowDepth : columnOf(collection) + (isSeq(collection) ? 0.5 : 0);

/**
 * Changes a document in its text, so that every line that says the same as before is the same as before; the tree that
 * was read from it is changed along. Each change throws {@link ManifestError} where the text is written in a rare way.
 */
export class DocumentEditor {
  readonly document: Document;
  readonly #text: string;
  readonly #style: TextStyle;
  readonly #edits: Edit[] = [];
  readonly #flowCuts = new Map<Collection, FlowCuts>();
  readonly #shared: readonly SharedNode[];
  readonly #touched = new Set<SharedNode>();

  constructor(text: string, document: Document) {
    this.#text = text;
    this.document = document;
    this.#style = styleOf(text, document);
    this.#shared = sharedNodesOf(document);
  }

  /** What stands in several places and has been changed. */
  get touchedNodes(): readonly SharedNode[] {
    return [...this.#touched];
  }

  /** Puts an item before all others of a sequence that is not empty. */
  insertFirst(seq: YAMLSeq, value: unknown): void {
    const first = this.#firstWritten(seq);
    const start = itemStart(seq, first);
    if (seq.flow === true) {
      const layout = this.#layoutOf(seq, start);
      this.#insert(start, `${this.#flow(value, layout)},${this.#between(layout)}`, seq);
    } else {
      const line = this.#ownLine(start);
      this.#insertLines(aboveComments(this.#text, line), [value], seq);
    }
    seq.items.unshift(this.document.createNode(value, { aliasDuplicateObjects: false }));
  }

  /** Puts items behind all others of a sequence that is not empty. */
  append(seq: YAMLSeq, values: readonly unknown[]): void {
    const first = this.#firstWritten(seq);
    if (seq.flow === true) {
      const layout = this.#layoutOf(seq, itemStart(seq, first));
      const text = values.map((value) => `,${this.#between(layout)}${this.#flow(value, layout)}`).join('');
      this.#insert(this.#endOf(seq), text, seq);
    } else {
      this.#ownLine(itemStart(seq, first));
      this.#insertLines(nextLine(this.#text, this.#endOf(seq)), values, seq);
    }
    for (const value of values)
      seq.items.push(this.document.createNode(value, { aliasDuplicateObjects: false }));
  }

  /** Writes an item anew where it stands. */
  replace(seq: YAMLSeq, index: number, value: unknown): void {
    const old = seq.items[index];
    const start = contentStart(old);
    const node = this.document.createNode(value, { aliasDuplicateObjects: false });
    const end = this.#trimmedEnd(old);
    const text =
      seq.flow === true
        ? this.#flow(value, this.#layoutOf(seq, start))
        : blockText(value, start - lineStart(this.#text, start), this.#style).trimStart();
    this.#edit(seq, { start, end, text });
    node.range = [start, end, end];
    seq.items[index] = node;
  }

  /** Takes out an item of several. */
  remove(seq: YAMLSeq, index: number): void {
    this.#cut(seq, seq.items[index]);
    seq.items.splice(index, 1);
  }

  /** Gives a key a value; a new key comes before `before`, where that is there, else behind all others. */
  set(map: YAMLMap, key: string, value: unknown, before?: string): void {
    const pair = pairOf(map, key);
    const node = this.document.createNode(value, { aliasDuplicateObjects: false });
    if (pair !== null) {
      const start = contentStart(pair);
      const end = this.#trimmedEnd(pair);
      this.#edit(map, { start, end, text: this.#pairText(map, key, value, start) });
      node.range = [start, end, end];
      pair.value = node;
      return;
    }
    const next = before === undefined ? null : pairOf(map, before);
    this.#addPair(map, key, value, next);
    const added = this.document.createPair(key, node);
    if (next === null) map.items.push(added);
    else map.items.splice(map.items.indexOf(next), 0, added);
  }

  /** Takes a key out, or where its line cannot go leaves it an empty list. */
  delete(map: YAMLMap, key: string): void {
    const pair = pairOf(map, key);
    if (pair === null) return;
    if (map.flow !== true && indentBefore(this.#text, contentStart(pair)) === null) {
      this.set(map, key, []);
      return;
    }
    this.#cut(map, pair);
    map.items.splice(map.items.indexOf(pair), 1);
  }

  /** The text with all changes. Throws {@link ManifestError} if it would not say what the changed tree says. */
  result(): string {
    for (const [collection, cuts] of this.#flowCuts) this.#cutFlow(collection, cuts);
    this.#flowCuts.clear();
    const text = applyEdits(this.#text, this.#edits);
    const read = parseManifest(text);
    if (!('contents' in read) || !isDeepStrictEqual(dataOf(read, null), dataOf(this.document, null)))
      throw cannotEdit(this.#edits[0]?.start ?? 0);
    return text;
  }

  #addPair(map: YAMLMap, key: string, value: unknown, next: Pair | null): void {
    const written = writtenItems(map);
    if (map.flow === true) {
      const [first] = written;
      if (first === undefined) throw cannotEdit(contentStart(map));
      const text = this.#pairText(map, key, value, contentStart(next ?? first));
      const between = this.#between(this.#layoutOf(map, contentStart(next ?? first)));
      if (next === null) this.#insert(this.#endOf(map), `,${between}${text}`, map);
      else this.#insert(contentStart(next), `${text},${between}`, map);
      return;
    }
    const at = next === null ? null : indentBefore(this.#text, contentStart(next));
    const offset =
      next === null || at === null
        ? nextLine(this.#text, contentEnd(next ?? map))
        : aboveComments(this.#text, lineStart(this.#text, contentStart(next)));
    this.#insertLines(offset, { [key]: value }, map);
  }

  #pairText(map: YAMLMap, key: string, value: unknown, start: number): string {
    if (map.flow !== true) return blockText({ [key]: value }, columnOf(map), this.#style).trimStart();
    return `${JSON.stringify(key)}: ${this.#flow(value, this.#layoutOf(map, start))}`;
  }

  #cut(collection: Collection, item: unknown): void {
    if (collection.flow === true) {
      const cuts = this.#flowCuts.get(collection) ?? { all: writtenItems(collection), gone: new Set() };
      cuts.gone.add(item);
      this.#flowCuts.set(collection, cuts);
      return;
    }
    const start = this.#ownLine(itemStart(collection, item));
    this.#edit(collection, { start, end: nextLine(this.#text, contentEnd(item)), text: '' });
  }

  /** Within a flow, what goes takes its comma along; which one that is depends on what else goes. */
  #cutFlow(collection: Collection, { all, gone }: FlowCuts): void {
    for (let at = 0; at < all.length; at += 1) {
      if (!gone.has(all[at])) continue;
      const first = at;
      while (at + 1 < all.length && gone.has(all[at + 1])) at += 1;
      const [before, after] = [all[first - 1], all[at + 1]];
      const isLast = after === undefined && before !== undefined;
      const start = isLast ? contentEnd(before) : itemStart(collection, all[first]);
      const end = after === undefined ? contentEnd(all[at]) : itemStart(collection, after);
      this.#edit(collection, { start, end, text: '' });
    }
  }

  #insertLines(offset: number, value: unknown, collection: Collection): void {
    const { lineEnd } = this.#style;
    const text = blockText(value, columnOf(collection), this.#style);
    const isOpen = offset > 0 && this.#text[offset - 1] !== '\n';
    this.#insert(offset, isOpen ? lineEnd + text : text + lineEnd, collection);
  }

  #insert(offset: number, text: string, collection: Collection): void {
    this.#edit(collection, { start: offset, end: offset, text });
  }

  #edit(collection: Collection, edit: Omit<Edit, 'depth'>): void {
    this.#edits.push({ ...edit, depth: depthOf(collection) });
    const at = contentStart(collection);
    for (const node of this.#shared) if (at >= node.start && at <= node.end) this.#touched.add(node);
  }

  #firstWritten(seq: YAMLSeq): unknown {
    const [first] = writtenItems(seq);
    if (first === undefined) throw cannotEdit(contentStart(seq));
    return first;
  }

  /** The start of the line of what has that line for itself. */
  #ownLine(offset: number): number {
    if (indentBefore(this.#text, offset) === null) throw cannotEdit(offset);
    return lineStart(this.#text, offset);
  }

  #endOf(collection: Collection): number {
    return contentEnd(writtenItems(collection).at(-1));
  }

  /** Without the ends of lines that a block of text has at its end. */
  #trimmedEnd(node: unknown): number {
    let end = contentEnd(node);
    while (end > 0 && /[\r\n]/.test(this.#text[end - 1]!)) end -= 1;
    return end;
  }

  #layoutOf(collection: Collection, itemAt: number): FlowLayout {
    const indent = indentBefore(this.#text, itemAt);
    if (indent === null) return null;
    const opens = lineStart(this.#text, contentStart(collection));
    const outer = /^[ \t]*/.exec(this.#text.slice(opens, itemAt))![0];
    return { indent, step: indent.startsWith(outer) ? indent.slice(outer.length) || '  ' : '  ' };
  }

  #between(layout: FlowLayout): string {
    return layout === null ? ' ' : this.#style.lineEnd + layout.indent;
  }

  #flow(value: unknown, layout: FlowLayout): string {
    return flowText(value, layout, this.#style.lineEnd);
  }
}
