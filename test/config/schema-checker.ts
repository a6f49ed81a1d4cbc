import assert from 'node:assert/strict';

type Json = Readonly<Record<string, unknown>>;

const isMapping = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const types: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isMapping,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isInteger,
};

const annotations = ['$schema', '$id', 'title', 'description', 'default', 'definitions'];

/**
 * Draft-07 as far as our schema uses it, written from the specification and with nothing of the code that made the
 * schema. A keyword that it does not know is an error, so that none goes unchecked.
 */
export class SchemaChecker {
  readonly #root: Json;

  constructor(root: Json) {
    this.#root = root;
  }

  /** Where the value is not what the schema says; empty: it is. */
  faultsOf(value: unknown, schema: unknown = this.#root, at = ''): string[] {
    assert.ok(isMapping(schema), `${at}: a schema`);
    if ('$ref' in schema) {
      assert.deepEqual(Object.keys(schema), ['$ref'], 'draft-07 ignores what stands beside a reference');
      return this.faultsOf(value, this.#resolve(String(schema['$ref'])), at);
    }
    const faults: string[] = [];
    for (const [keyword, wanted] of Object.entries(schema)) {
      if (annotations.includes(keyword)) continue;
      if (!this.#holds(keyword, wanted, value)) faults.push(`${at}: ${keyword}`);
    }
    if (isMapping(value)) faults.push(...this.#keyFaults(value, schema, at));
    if (Array.isArray(value) && 'items' in schema) {
      for (const [index, item] of value.entries())
        faults.push(...this.faultsOf(item, schema['items'], `${at}[${index}]`));
    }
    return faults;
  }

  #resolve(reference: string): unknown {
    assert.match(reference, /^#\//);
    let node: unknown = this.#root;
    for (const part of reference.slice(2).split('/')) node = (node as Json)[part];
    return node;
  }

  #holds(keyword: string, wanted: unknown, value: unknown): boolean {
    switch (keyword) {
      case 'type':
        return types[String(wanted)]!(value);
      case 'enum':
        return (wanted as unknown[]).includes(value);
      case 'anyOf':
        return (wanted as unknown[]).some((each) => this.faultsOf(value, each).length === 0);
      case 'not':
        return this.faultsOf(value, wanted).length > 0;
      case 'pattern':
        // As editors do, in Unicode mode.
        return typeof value !== 'string' || new RegExp(String(wanted), 'u').test(value);
      case 'minLength':
        return typeof value !== 'string' || value.length >= Number(wanted);
      case 'minimum':
        return typeof value !== 'number' || value >= Number(wanted);
      case 'maximum':
        return typeof value !== 'number' || value <= Number(wanted);
      case 'minItems':
        return !Array.isArray(value) || value.length >= Number(wanted);
      case 'required':
        return !isMapping(value) || (wanted as string[]).every((key) => Object.hasOwn(value, key));
      case 'propertyNames':
        return (
          !isMapping(value) || Object.keys(value).every((key) => this.faultsOf(key, wanted).length === 0)
        );
      case 'properties':
      case 'patternProperties':
      case 'additionalProperties':
      case 'items':
        return true;
      default:
        throw new Error(`no such keyword here: ${keyword}`);
    }
  }

  #keyFaults(value: Json, schema: Json, at: string): string[] {
    const {
      properties = {},
      patternProperties = {},
      additionalProperties = {},
    } = schema as Record<string, Json>;
    return Object.entries(value).flatMap(([key, child]) => {
      const schemas = Object.entries(patternProperties)
        .filter(([pattern]) => new RegExp(pattern, 'u').test(key))
        .map(([, each]) => each);
      if (Object.hasOwn(properties, key)) schemas.push(properties[key]);
      const where = `${at}/${key}`;
      if (schemas.length > 0) return schemas.flatMap((each) => this.faultsOf(child, each, where));
      if ((additionalProperties as unknown) === false) return [`${where}: unknown`];
      return this.faultsOf(child, additionalProperties, where);
    });
  }
}
