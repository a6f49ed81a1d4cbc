import { type Alias, type Document, isAlias, type Node, visit } from 'yaml';
import { contentEnd, contentStart } from './node-places.ts';

/** A node that stands in several places of a document: its anchor, and from where to where it is written. */
export interface SharedNode {
  readonly anchor: string;
  readonly start: number;
  readonly end: number;
}

/** The nodes that an alias stands for. */
export const sharedNodesOf = (document: Document): SharedNode[] => {
  const used = new Set<string>();
  const anchored: Node[] = [];
  visit(document, {
    Alias: (_, alias: Alias) => {
      used.add(alias.source);
    },
    Node: (_, node) => {
      if (isAlias(node)) used.add(node.source);
      else if (node.anchor !== undefined) anchored.push(node);
    },
  });
  return anchored
    .filter(({ anchor }) => used.has(anchor!))
    .map((node) => ({ anchor: node.anchor!, start: contentStart(node), end: contentEnd(node) }));
};
