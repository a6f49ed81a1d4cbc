import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import * as v from 'valibot';
import { parse } from 'yaml';
import { describeSettings } from '../../src/config/describe-settings.ts';
import { globalKeys } from '../../src/config/global-keys.ts';
import { jsonSchema, jsonSchemaText } from '../../src/config/json-schema.ts';
import { policyKeys } from '../../src/config/policy-keys.ts';
import { type Group, isRow } from '../../src/config/rows.ts';
import { routeKeys, upstreamKeys } from '../../src/config/upstream-keys.ts';
import { blocksOf, readPages } from '../docs/pages.ts';
import { problemsOf, settingsOf } from './configuration-text.ts';
import { SchemaChecker } from './schema-checker.ts';

const checker = new SchemaChecker(jsonSchema());
const committed = new URL('../../deploy/outrigger.schema.json', import.meta.url);
const example = new URL('../../deploy/outrigger.example.yaml', import.meta.url);

const accepts = (value: unknown): void => assert.deepEqual(checker.faultsOf(value), []);

test('the committed schema is what the tables say today', () => {
  assert.equal(
    readFileSync(committed, 'utf8'),
    jsonSchemaText(),
    'run: node src/config/write-json-schema.ts',
  );
});

test('the example names the schema in its first line, and is accepted', () => {
  const text = readFileSync(example, 'utf8');
  assert.match(text, /^# yaml-language-server: \$schema=\.\/outrigger\.schema\.json\n/);
  accepts(parse(text));
});

test('what the README shows is accepted', () => {
  const blocks = readPages().flatMap((page) => (page.path === 'README.md' ? blocksOf(page, 'yaml') : []));
  assert.ok(blocks.length > 0);
  for (const block of blocks) accepts(parse(block));
});

test('a configuration with every default written out is accepted', () => {
  const text = 'upstreams: { a: { routes: [{ name: r, bulkhead: {} }] } }';
  accepts(JSON.parse(JSON.stringify(describeSettings(settingsOf(text)))));
});

test('every key of the tables is in the schema, with its meaning, and no other one', () => {
  const { definitions, properties } = jsonSchema() as Record<string, Record<string, SchemaNode>>;
  interface SchemaNode {
    readonly $ref?: string;
    readonly properties?: Readonly<Record<string, SchemaNode>>;
    readonly description?: string;
  }
  const compare = (group: Group, node: SchemaNode, others: readonly string[] = []): void => {
    const target = node.$ref === undefined ? node : definitions![node.$ref.split('/').at(-1)!]!;
    const known = Object.entries(group).filter(([, child]) => !(isRow(child) && child.isRefused));
    assert.deepEqual(Object.keys(target.properties!), [...known.map(([key]) => key), ...others]);
    for (const [key, child] of known) {
      const below = target.properties![key]!;
      if (isRow(child)) assert.ok(below.description!.startsWith(child.meaning), key);
      else compare(child, below);
    }
  };
  compare(globalKeys, { properties: properties! }, ['defaults', 'upstreams']);
  compare(policyKeys, properties!['defaults']!);
  compare(upstreamKeys, definitions!['upstream']!, ['routes']);
  compare(routeKeys, definitions!['route']!);
});

/** Values of every kind, and some that are nearly so. */
const candidates: readonly unknown[] = [
  ...[0, 1, 2, 20, 64, 100, 200, 404, 503, 599, 1000, 65_535, 1_000_000, -1, 0.5, 1.3, true, false, -0],
  ...[
    '',
    '0s',
    '5s',
    '250ms',
    '1h30m',
    '5',
    'off',
    'none',
    'unlimited',
    '50%',
    '0.5%',
    '64KiB',
    '1GB',
    '512B',
  ],
  ...[
    'deny',
    'allow',
    'info',
    'json',
    'errors',
    'open',
    'http',
    'native',
    'http/1.1',
    '1.2',
    '404',
    '500-599',
    'reset',
    'timeout',
  ],
  ...[
    '127.0.0.1:80',
    '[::1]:0',
    'localhost:1',
    'a.b:80',
    'unix:/x',
    'a',
    '::1',
    'a:80',
    'abcdefgh',
    'circuit_open',
  ],
  ...['/', '/a/*', 'GET', 'x y', '_http._tcp.a.b', `\${X}`, `a\${X:-b}`, `$\${X}`, 'constructor', 'unlisted'],
];

const written = (kind: { readonly schema: v.GenericSchema }): unknown[] => {
  const lists = candidates.map((each) => [each]);
  const headers = candidates.map((each) => Object.assign(Object.create(null), { 'x-a': each }));
  return [...candidates, [], ...lists, ...headers].filter((each) => v.is(kind.schema, each));
};

const groupOf = (group: Group): fc.Arbitrary<Record<string, unknown>> => {
  const entries: Record<string, fc.Arbitrary<unknown>> = {};
  const required: string[] = [];
  for (const [key, node] of Object.entries(group)) {
    if (!isRow(node)) entries[key] = groupOf(node);
    else if (!node.isRefused) entries[key] = fc.constantFrom(...written(node.kind));
    if (isRow(node) && node.isRequired) required.push(key);
  }
  return fc.record(entries, { requiredKeys: required });
};

test('whatever the tables accept, the schema accepts', () => {
  const upstream = fc
    .tuple(groupOf(upstreamKeys), fc.array(groupOf(routeKeys), { maxLength: 2 }))
    .map(([own, routes]) => ({ ...own, routes }));
  const file = fc.tuple(groupOf(globalKeys), groupOf(policyKeys), upstream).map(([global, defaults, a]) => ({
    ...global,
    defaults,
    upstreams: { a },
  }));
  fc.assert(fc.property(file, accepts), { numRuns: 150 });
});

test('a reference may stand for a value of every kind', () => {
  const reference = (group: Group): Record<string, unknown> => {
    const values: Record<string, unknown> = {};
    for (const [key, node] of Object.entries(group)) {
      if (!isRow(node)) values[key] = reference(node);
      else if (node.kind.json['type'] === 'array') values[key] = [`\${X}`];
      else if (!node.isRefused) values[key] = key === 'headers' ? { 'x-a': `\${X}` } : `\${X}`;
    }
    return values;
  };
  const a = { ...reference(upstreamKeys), routes: [reference(routeKeys)] };
  accepts({ ...reference(globalKeys), defaults: reference(policyKeys), upstreams: { a } });
});

test('what is plainly wrong is refused by the schema as by the program', () => {
  for (const text of [
    'egres: {}',
    'egress: { addres: "127.0.0.1:1" }',
    'egress: []',
    'egress: null',
    'egress: { unlisted: perhaps }',
    'egress: { unlisted: true }',
    'egress: { maxConnections: "20" }',
    'egress: { maxConnections: 0 }',
    'egress: { maxConnections: 1.5 }',
    'egress: { address: nowhere }',
    'admin: { token: short }',
    'admin: { token: 123456789 }',
    'admin: { maxStreams: { all: unlimited } }',
    'limits: { requestHead: 1 }',
    'limits: { requestHead: 64 KiB }',
    'log: { sample: 0.5 }',
    'defaults: { timeout: 5s }',
    'defaults: { timeout: { total: 5 } }',
    'defaults: { timeout: { connect: unlimited } }',
    'defaults: { breaker: { errorPercent: 101 } }',
    'defaults: { retry: { nonIdempotent: "yes" } }',
    'defaults: { retry: { on: [5xx] } }',
    'defaults: { retry: { on: reset } }',
    'defaults: { failure: { status: [600] } }',
    'defaults: { fallback: { on: [open] } }',
    'defaults: { fallback: { on: [timeout], headers: { "a b": c } } }',
    'defaults: { fallback: { on: [timeout], headers: { a: " b" } } }',
    'upstreams: { "a b": {} }',
    'upstreams: { unlisted: {} }',
    'upstreams: { toString: {} }',
    'upstreams: { a: { hosts: b } }',
    'upstreams: { a: { endpoints: [] } }',
    'upstreams: { a: { endpoints: ["10.0.0.1"] } }',
    'upstreams: { a: { tls: { minVersion: 1.1 } } }',
    'upstreams: { a: { tls: { verify: false } } }',
    'upstreams: { a: { protocol: udp } }',
    'upstreams: { a: { upgrade: ["a b"] } }',
    'upstreams: { a: { tcp: { earlyReset: 1 } } }',
    'upstreams: { a: { routes: {} } }',
    'upstreams: { a: { routes: [{}] } }',
    'upstreams: { a: { routes: [{ name: "a b" }] } }',
    'upstreams: { a: { routes: [{ name: unlisted }] } }',
    'upstreams: { a: { routes: [{ name: r, pool: {} }] } }',
    'upstreams: { a: { routes: [{ name: r, retry: { budget: {} } }] } }',
    'upstreams: { a: { routes: [{ name: r, match: { path: x } }] } }',
  ]) {
    assert.ok(problemsOf(text).length > 0);
    assert.notDeepEqual(checker.faultsOf(parse(text)), [], text);
  }
});
