import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import type { ServerSentEvent } from '../../src/cli/event-reader.ts';

/** A node of a JSON Schema, as far as ours is made of them. */
export interface SchemaNode {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaNode[];
  readonly items?: SchemaNode;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | SchemaNode;
  readonly description?: string;
}

interface EventSchema extends SchemaNode {
  readonly definitions: Readonly<Record<string, SchemaNode>>;
}

/** The published schema of `GET /events`. */
export const eventSchema = JSON.parse(
  readFileSync(new URL('../../docs/events.schema.json', import.meta.url), 'utf8'),
) as EventSchema;

/** The name of the event that a definition is the data of; null: of none. */
const eventNameOf = (definition: string, node: SchemaNode): string | null => {
  if (definition === 'SnapshotEvent') return 'snapshot';
  if (definition === 'TickEvent') return 'tick';
  const kind = node.properties?.['kind']?.const;
  return typeof kind === 'string' ? kind : null;
};

/** What is wrong with an event by the published schema. */
export class EventValidator {
  readonly #byName = new Map<string, ValidateFunction>();

  constructor() {
    const ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true });
    ajv.addSchema(eventSchema, 'events');
    for (const [definition, node] of Object.entries(eventSchema.definitions)) {
      const name = eventNameOf(definition, node);
      if (name === null) continue;
      const validate = ajv.getSchema(`events#/definitions/${definition}`);
      assert.ok(validate, definition);
      this.#byName.set(name, validate);
    }
  }

  /** Names of the events that the schema knows. */
  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  /** Empty: the event is as the schema says. */
  faultsOf({ name, data }: Pick<ServerSentEvent, 'name' | 'data'>): readonly string[] {
    const validate = this.#byName.get(name);
    if (validate === undefined) return [`no event is called ${name}`];
    if (validate(JSON.parse(data))) return [];
    return (validate.errors ?? []).map(
      ({ instancePath, message, params }) => `${name}${instancePath} ${message} ${JSON.stringify(params)}`,
    );
  }
}
