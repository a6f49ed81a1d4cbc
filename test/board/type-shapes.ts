import assert from 'node:assert/strict';
import type { SchemaNode } from '../rig/event-schema.ts';

/**
 * The shape of a type in one spelling, whether it was written in TypeScript or in JSON Schema: members of unions and
 * keys of objects in the order of the alphabet.
 */
export type Shape = string;

const unionOf = (members: readonly Shape[]): Shape => [...new Set(members)].sort().join(' | ');

const objectOf = (fields: readonly (readonly [key: string, shape: Shape])[]): Shape =>
  `{ ${fields
    .map(([key, shape]) => `${key}: ${shape}`)
    .sort()
    .join('; ')} }`;

const arrayOf = (items: Shape): Shape => `(${items})[]`;

const token = /'[^']*'|[A-Za-z]\w*|\S/g;

/** Reads the few forms of types that the events are made of; another one is an error. */
class TypeReader {
  readonly #tokens: readonly string[];
  #next = 0;

  constructor(text: string) {
    const bare = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
    this.#tokens = bare.match(token) ?? [];
  }

  /** Every exported type by its name. */
  all(): ReadonlyMap<string, Shape> {
    const shapes = new Map<string, Shape>();
    while (this.#next < this.#tokens.length) {
      this.#expect('export');
      const form = this.#take();
      const name = this.#take();
      if (form === 'type') this.#expect('=');
      else assert.equal(form, 'interface');
      shapes.set(name, this.#union());
      this.#skip(';');
    }
    return shapes;
  }

  #union(): Shape {
    this.#skip('|');
    const members = [this.#member()];
    while (this.#skip('|')) members.push(this.#member());
    return unionOf(members);
  }

  #member(): Shape {
    this.#skip('readonly');
    let shape = this.#single();
    while (this.#skip('[')) {
      if (this.#skip("'kind'")) shape = `${shape}.kind`;
      else shape = arrayOf(shape);
      this.#expect(']');
    }
    return shape;
  }

  #single(): Shape {
    const first = this.#take();
    if (first === '{') return this.#object();
    if (first !== 'Readonly' && first !== 'Record') return first;
    this.#expect('<');
    if (first === 'Record') {
      this.#expect('string');
      this.#expect(',');
    }
    const inner = this.#union();
    this.#expect('>');
    return first === 'Record' ? `Record<${inner}>` : inner;
  }

  #object(): Shape {
    const fields: [string, Shape][] = [];
    while (!this.#skip('}')) {
      this.#expect('readonly');
      const key = this.#take();
      // A field that may be missing would need a word in the schema: there is none so far.
      this.#expect(':');
      fields.push([key, this.#union()]);
      this.#skip(';');
    }
    return objectOf(fields);
  }

  #take(): string {
    const found = this.#tokens[this.#next] ?? 'the end';
    this.#next += 1;
    return found;
  }

  #skip(wanted: string): boolean {
    if (this.#tokens[this.#next] !== wanted) return false;
    this.#next += 1;
    return true;
  }

  #expect(wanted: string): void {
    assert.equal(this.#take(), wanted, this.#tokens.slice(this.#next - 10, this.#next).join(' '));
  }
}

/** The shapes of the types that a module exports, by name. */
export const shapesOfTypes = (text: string): ReadonlyMap<string, Shape> => new TypeReader(text).all();

type Definitions = Readonly<Record<string, SchemaNode>>;

const words: Readonly<Record<string, Shape>> = { integer: 'number' };

const literalOf = (value: unknown): Shape => (typeof value === 'string' ? `'${value}'` : String(value));

/** A map whose keys the schema lists, where the type says only what their values are. */
const recordOf = (node: SchemaNode, definitions: Definitions, types: ReadonlySet<string>): Shape =>
  `Record<${unionOf(Object.values(node.properties ?? {}).map((value) => shapeOfSchema(value, definitions, types)))}>`;

/** The shape that a node of the schema describes. `types`: the definitions that the code has a type for. */
export const shapeOfSchema = (
  node: SchemaNode,
  definitions: Definitions,
  types: ReadonlySet<string>,
): Shape => {
  const below = (child: SchemaNode): Shape => shapeOfSchema(child, definitions, types);
  if (node.$ref !== undefined) {
    const name = node.$ref.replace('#/definitions/', '');
    const target = definitions[name];
    assert.ok(target, node.$ref);
    return types.has(name) ? name : recordOf(target, definitions, types);
  }
  if (node.const !== undefined) return literalOf(node.const);
  if (node.enum !== undefined) return unionOf(node.enum.map(literalOf));
  if (node.anyOf !== undefined) return unionOf(node.anyOf.map(below));
  if (node.items !== undefined) return arrayOf(below(node.items));
  if (typeof node.additionalProperties === 'object') return `Record<${below(node.additionalProperties)}>`;
  if (node.properties !== undefined)
    return objectOf(Object.entries(node.properties).map(([key, child]) => [key, below(child)]));
  const named = typeof node.type === 'string' ? [node.type] : (node.type ?? []);
  return unionOf(named.map((word) => words[word] ?? word));
};
