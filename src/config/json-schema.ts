import { globalKeys } from './global-keys.ts';
import { type JsonSchema, referenceSchema } from './kinds.ts';
import { policyKeys } from './policy-keys.ts';
import { type Group, isRow, type Row } from './rows.ts';
import { namePattern, reservedNames } from './text-kinds.ts';
import { routeKeys, upstreamKeys } from './upstream-keys.ts';

const describeRow = (row: Row<unknown>): JsonSchema => {
  const { range, json } = row.kind;
  const isByKind = row.fallbackText === null;
  const fallback = isByKind ? '' : ` Default: ${row.fallbackText}.`;
  return {
    description: `${row.meaning}${row.isRequired ? '' : fallback}${range === '' ? '' : ` Values: ${range}.`}`,
    ...(isByKind ? { default: row.kind.write(row.fallback) } : {}),
    ...json,
  };
};

/** A mapping with these keys and no others. Keys that are only known to be refused are not among them. */
const mappingOf = (group: Group, more: JsonSchema = {}): JsonSchema => {
  const properties: Record<string, JsonSchema> = {};
  const required: string[] = [];
  for (const [key, node] of Object.entries(group)) {
    if (!isRow(node)) properties[key] = sharedGroups.get(node) ?? mappingOf(node);
    else if (!node.isRefused) properties[key] = describeRow(node);
    if (isRow(node) && node.isRequired) required.push(key);
  }
  return {
    type: 'object',
    properties: { ...properties, ...more },
    ...(required.length === 0 ? {} : { required }),
    additionalProperties: false,
  };
};

/** The policies stand in `defaults`, in upstreams and in routes: one definition, three references. */
const policyGroups = Object.entries(policyKeys).flatMap(([key, node]) =>
  isRow(node as Group) ? [] : [[key, node as Group] as const],
);
const sharedGroups: ReadonlyMap<Group, JsonSchema> = new Map(
  policyGroups.map(([key, group]) => [group, { $ref: `#/definitions/${key}` }]),
);

/**
 * The JSON Schema of a configuration file, from the tables that check it. It accepts every file that they accept; what
 * it cannot say (ranges of durations, addresses, combinations) is left to `outrigger check`.
 */
export const jsonSchema = (): JsonSchema => ({
  // The newest dialect that editors know (decision 0019).
  $schema: 'http://json-schema.org/draft-07/schema#',
  $id: 'urn:outrigger:configuration',
  title: 'Outrigger configuration',
  ...mappingOf(globalKeys, {
    defaults: {
      description: 'Policies that every upstream and every unlisted destination inherits, key by key.',
      ...mappingOf(policyKeys),
    },
    upstreams: {
      description: 'What the app calls, by name.',
      type: 'object',
      propertyNames: { not: { enum: reservedNames } },
      patternProperties: { [namePattern.source]: { $ref: '#/definitions/upstream' } },
      additionalProperties: false,
    },
  }),
  definitions: {
    upstream: mappingOf(upstreamKeys, {
      routes: {
        description: 'Parts of the upstream with a breaker, and policies where they say so, of their own.',
        type: 'array',
        items: { $ref: '#/definitions/route' },
      },
    }),
    route: mappingOf(routeKeys),
    ...Object.fromEntries(policyGroups.map(([key, group]) => [key, mappingOf(group)])),
    environment: referenceSchema,
  },
});

/** The same as the text of a file. */
export const jsonSchemaText = (): string => `${JSON.stringify(jsonSchema(), null, 2)}\n`;
