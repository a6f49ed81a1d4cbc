import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import { EnvScalar } from './env-scalar.ts';
import { Locations } from './locations.ts';
import { fileProblem, formatPath, type Location, type Path, type Problem } from './problem.ts';
import { type Environment, substitute } from './substitution.ts';
import { parseYaml, type YamlText } from './yaml-text.ts';

/** A configuration as plain data, and where each part of it was written. */
export interface Tree {
  /** Mappings have no prototype; values with something from the environment are {@link EnvScalar}s. */
  readonly value: unknown;
  readonly locations: Locations;
  readonly problems: readonly Problem[];
}

const maxDepth = 32;
/** Aliases are a convenience for a block or two; what they may bring in is bounded. */
const maxAliasedNodes = 10_000;

/** Keys with a meaning in JavaScript: refused everywhere, so that no later step can trip over them. */
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

const coreTags: ReadonlySet<string> = new Set(
  ['map', 'seq', 'str', 'int', 'float', 'bool', 'null'].map((name) => `tag:yaml.org,2002:${name}`),
);

/** Stands for a value that has a problem already. */
const unreadable = Symbol('unreadable');

class TreeReader {
  readonly #document: Document;
  readonly #locate: YamlText['locate'];
  readonly #env: Environment;
  readonly locations: Locations;
  readonly problems: Problem[] = [];
  readonly #anchors = new Map<string, Node>();
  /** What is being read right now: an alias for one of these would never end. */
  readonly #open = new Set<Node>();
  #aliasDepth = 0;
  #aliasedNodes = 0;
  /** True: the aliases stand for too much. That has been said, and nothing more is read. */
  isExhausted = false;

  constructor(yaml: YamlText, file: string, env: Environment) {
    this.#document = yaml.document;
    this.#locate = yaml.locate;
    this.#env = env;
    this.locations = new Locations(file);
  }

  /** The whole document. */
  readAll(): unknown {
    return this.#read(this.#document.contents, []);
  }

  #read(node: unknown, path: Path): unknown {
    if (isAlias(node)) return this.#alias(node, path);
    if (!(isMap(node) || isSeq(node) || isScalar(node))) return null;
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node);
    if (this.#aliasDepth > 0) this.#aliasedNodes += 1;
    if (this.#aliasedNodes > maxAliasedNodes) return unreadable;
    if (path.length > maxDepth) return this.#refuse(node, path, 'is nested too deeply');
    if (node.tag !== undefined && !coreTags.has(node.tag)) {
      return this.#refuse(node, path, `has the tag ${node.tag}, which is not supported`);
    }
    if (isScalar(node)) return this.#scalar(node, path);
    this.#open.add(node);
    const value = isMap(node) ? this.#mapping(node, path) : this.#list(node, path);
    this.#open.delete(node);
    return value;
  }

  #mapping(node: YAMLMap, path: Path): unknown {
    const mapping: Record<string, unknown> = Object.create(null);
    const seen = new Set<string>();
    for (const pair of node.items) {
      // The parser was told to refuse every key that is not a string.
      const keyNode = pair.key as Scalar;
      const key = String(keyNode.value);
      const childPath = [...path, key];
      if (seen.has(key)) {
        this.#refuse(keyNode, childPath, 'is written twice', 'keep one of them');
        continue;
      }
      seen.add(key);
      if (forbiddenKeys.has(key)) {
        this.#refuse(keyNode, childPath, `unknown key "${key}"`);
        continue;
      }
      // Nothing after the colon: the key is what there is to show.
      const isEmpty = pair.value === null || (isScalar(pair.value) && pair.value.source === '');
      const valueNode = isEmpty ? keyNode : (pair.value as Node);
      this.locations.set(childPath, this.#locationOf(keyNode), this.#locationOf(valueNode));
      const value = this.#read(pair.value, childPath);
      if (value !== unreadable) mapping[key] = value;
    }
    return mapping;
  }

  #list(node: YAMLSeq, path: Path): unknown {
    const list: unknown[] = [];
    let isReadable = true;
    for (const [index, item] of node.items.entries()) {
      const childPath = [...path, index];
      const location = this.#locationOf(item as Node);
      this.locations.set(childPath, location, location);
      const value = this.#read(item, childPath);
      isReadable = isReadable && value !== unreadable;
      list.push(value);
    }
    return isReadable ? list : unreadable;
  }

  #scalar(node: Scalar, path: Path): unknown {
    const isPlain = node.type === Scalar.PLAIN;
    if (isPlain && /^[-+]?0[0-9]+$/.test(node.source ?? '')) {
      return this.#refuse(node, path, `${node.source} is ambiguous`, 'write it without the leading zero');
    }
    if (typeof node.value !== 'string') return node.value;
    const result = substitute(node.value, this.#env);
    if (result.kind === 'unchanged') return node.value;
    if (result.kind === 'unescaped') return result.text;
    if (result.kind === 'refused') return this.#refuse(node, path, result.message, result.hint);
    this.locations.setReference(path, node.value);
    return new EnvScalar(node.value, result.text, this.#plainValue(result.text));
  }

  /** What YAML makes of an unquoted text. */
  #plainValue(text: string): unknown {
    for (const tag of this.#document.schema.tags) {
      if (tag.collection !== undefined || tag.default !== true) continue;
      if (tag.test?.test(text)) return tag.resolve(text, () => {}, {});
    }
    return text;
  }

  #alias(node: Alias, path: Path): unknown {
    if (this.isExhausted) return unreadable;
    // The document's own search goes through all of it for each alias.
    const target = this.#anchors.get(node.source);
    if (target === undefined) {
      return this.#refuse(node, path, `there is no anchor "${node.source}" above`);
    }
    if (this.#open.has(target)) return this.#refuse(node, path, 'stands for something that it is a part of');
    this.#aliasDepth += 1;
    const value = this.#read(target, path);
    this.#aliasDepth -= 1;
    if (this.#aliasDepth === 0 && this.#aliasedNodes > maxAliasedNodes) {
      this.isExhausted = true;
      return this.#refuse(node, path, 'the aliases of this file stand for too much');
    }
    return value;
  }

  #locationOf(node: Node): Location {
    return this.#locate(node?.range?.[0] ?? 0);
  }

  #refuse(node: Node, path: Path, message: string, hint = ''): typeof unreadable {
    this.problems.push({ ...this.#locationOf(node), path: formatPath(path), message, hint });
    return unreadable;
  }
}

/** Text → plain data with every reference to the environment replaced. Only syntax errors leave nothing to go on with. */
export const readTree = (text: string, file: string, env: Environment): Tree | Problem[] => {
  const yaml = parseYaml(text, file);
  if (Array.isArray(yaml)) return yaml;
  if (yaml.document.contents === null) {
    return [fileProblem(file, 'the file is empty', 'write {} to take every default', 1, 1)];
  }
  const reader = new TreeReader(yaml, file, env);
  const value = reader.readAll();
  if (value === unreadable || reader.isExhausted) return reader.problems;
  return { value, locations: reader.locations, problems: reader.problems };
};
