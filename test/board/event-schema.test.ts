import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EventValidator, eventSchema, type SchemaNode } from '../rig/event-schema.ts';
import { type Shape, shapeOfSchema, shapesOfTypes } from './type-shapes.ts';

const { definitions } = eventSchema;
const types = shapesOfTypes(
  readFileSync(new URL('../../src/board/stream-events.ts', import.meta.url), 'utf8'),
);
const typeNames = new Set(types.keys());

/** Maps by name, of which the code says no more than what their values are. */
const listedKeys = ['RollingCounts', 'Percentiles'];
/** Pairs of name and data: what the stream's framing is. */
const framing = ['StreamEvent'];

test('the schema has a definition for each type of the stream, and no other', () => {
  assert.deepEqual(
    Object.keys(definitions).toSorted(),
    [...typeNames, ...listedKeys].filter((name) => !framing.includes(name)).toSorted(),
  );
});

for (const [name, shape] of types) {
  if (framing.includes(name)) continue;
  test(`${name} in the schema is ${name} in the code, field by field`, () => {
    assert.equal(shapeOfSchema(definitions[name] ?? {}, definitions, typeNames), shape);
  });
}

test('every event of the stream has its definition', () => {
  const kinds = [...types.values()].flatMap((shape) => /\bkind: '(\w+)'/.exec(shape)?.[1] ?? []);
  assert.ok(kinds.length > 0);
  assert.deepEqual(new EventValidator().names.toSorted(), ['snapshot', 'tick', ...kinds].toSorted());
});

const nodesOf = (node: SchemaNode, at: string): [at: string, node: SchemaNode][] => [
  [at, node],
  ...Object.entries(node.properties ?? {}).flatMap(([key, child]) => nodesOf(child, `${at}/${key}`)),
  ...(node.anyOf ?? []).flatMap((child, index) => nodesOf(child, `${at}|${index}`)),
  ...(node.items === undefined ? [] : nodesOf(node.items, `${at}[]`)),
];

test('every object of the schema needs all its fields and takes no other', () => {
  const lax = Object.entries(definitions)
    .flatMap(([name, node]) => nodesOf(node, name))
    .filter(([, { properties }]) => properties !== undefined)
    .filter(
      ([, { properties, required, additionalProperties }]) =>
        additionalProperties !== false || String(required) !== String(Object.keys(properties ?? {})),
    );
  assert.deepEqual(
    lax.map(([at]) => at),
    [],
  );
});

test('a reference stands alone, since draft-07 ignores what is beside it', () => {
  const wrong = Object.entries(definitions)
    .flatMap(([name, node]) => nodesOf(node, name))
    .filter(([, node]) => node.$ref !== undefined && Object.keys(node).length > 1);
  assert.deepEqual(wrong, []);
});

const shapeOfText = (text: string): Shape | undefined => shapesOfTypes(text).get('A');

test('types are read in every form in which they are written', () => {
  const text = `
    /** A comment: { not: 'read' }. */
    export interface A {
      readonly b: 'y' | 'x' | null; // nor this
      readonly a: readonly string[];
      readonly c: { readonly d: number; readonly e: boolean } | null;
      readonly f: Readonly<Record<string, B>>;
    }
    export type B =
      | A
      | null;
  `;
  assert.equal(
    shapeOfText(text),
    "{ a: (string)[]; b: 'x' | 'y' | null; c: null | { d: number; e: boolean }; f: Record<B> }",
  );
  assert.throws(() => shapeOfText('export interface A { readonly b?: string }'));
  assert.throws(() => shapeOfText('export const A = 1;'));
});
