import * as v from 'valibot';
import { EnvScalar } from './env-scalar.ts';
import { didYouMean } from './nearest.ts';
import { quote } from './problem.ts';
import { flagHint } from './value-hints.ts';

/** A piece of a JSON Schema (draft-07, see decision 0019). */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** One kind of value: how it is checked, how it is written back, and how its range is told to people and to editors. */
export interface Kind<T> {
  readonly schema: v.GenericSchema<unknown, T>;
  /** The value in the words of the file. */
  write(value: T): unknown;
  readonly range: string;
  /** What JSON Schema can say of it. That may be less than the truth, so that no editor marks what we accept. */
  readonly json: JsonSchema;
}

/** Why a value was refused. The message is said of the value: "is not a duration". */
export class Refusal {
  readonly message: string;
  readonly hint: string;

  constructor(message: string, hint = '') {
    this.message = message;
    this.hint = hint;
  }
}

/** Text with a reference to the environment, which may stand for every value. */
export const referenceSchema: JsonSchema = {
  description: 'A value from the environment.',
  type: 'string',
  pattern: '\\$\\{',
};

const reference: JsonSchema = { $ref: '#/definitions/environment' };

/** One of these forms, or a reference to the environment. */
export const oneOfForms = (...forms: readonly JsonSchema[]): JsonSchema => ({ anyOf: [...forms, reference] });

/** Text of this form, or a reference to the environment. */
export const textForm = (pattern: RegExp): JsonSchema =>
  oneOfForms({ type: 'string', pattern: pattern.source });

interface Leaf<T> {
  readonly range: string;
  readonly json: JsonSchema;
  readonly parse: (value: unknown) => T | Refusal;
  readonly write?: (value: T) => unknown;
  /** True: what came from the environment is text, whatever it looks like. */
  readonly takesText?: boolean;
  /** True: no message shows what was written. */
  readonly isSecret?: boolean;
}

/** What came from the environment is neither shown nor hinted at: it may be a secret in the wrong place. */
const explain = (
  given: unknown,
  refusal: Refusal,
  { range, isSecret = false }: Pick<Leaf<unknown>, 'range' | 'isSecret'>,
) => ({
  message: isSecret ? refusal.message : `${quote(given)} ${refusal.message}`,
  // The library's word for what would be right is where the hint travels.
  expected: given instanceof EnvScalar ? range.replaceAll('`', '') : refusal.hint,
});

/** A single value. */
export const leaf = <T>(kind: Leaf<T>): Kind<T> => {
  const { range, json, parse, write = (value: T) => value, takesText = false } = kind;
  const schema = v.pipe(
    v.unknown(),
    v.rawTransform<unknown, T>(({ dataset, addIssue, NEVER }) => {
      const given = dataset.value;
      const value = given instanceof EnvScalar ? (takesText ? given.text : given.value) : given;
      if (value === null) {
        addIssue({ message: 'has no value', expected: `give it one or leave it out: ${range}` });
        return NEVER;
      }
      const parsed = parse(value);
      if (!(parsed instanceof Refusal)) return parsed;
      addIssue(explain(given, parsed, kind));
      return NEVER;
    }),
  );
  return { schema, write, range, json };
};

/** True or false, and none of YAML 1.1's other words for them. */
export const flag: Kind<boolean> = leaf({
  range: '`true` or `false`',
  json: oneOfForms({ type: 'boolean' }),
  parse: (value) =>
    typeof value === 'boolean' ? value : new Refusal('is neither true nor false', flagHint(value)),
});

/** One of a few words. */
export const choice = <const T extends string>(...words: readonly T[]): Kind<T> =>
  leaf({
    range: words.map((word) => `\`${word}\``).join(', '),
    json: oneOfForms({ enum: words }),
    parse: (value) => {
      const found = words.find((word) => word === value);
      if (found !== undefined) return found;
      const hint = typeof value === 'string' ? didYouMean(value, words) : `known: ${words.join(', ')}`;
      return new Refusal('is not known here', hint);
    },
  });

interface Text<T> {
  readonly write?: (value: T) => unknown;
  /** The form of every right one, for editors; it may allow too much. */
  readonly form?: RegExp;
  readonly json?: JsonSchema;
  readonly isSecret?: boolean;
}

/** Text that something has to make sense of. */
export const text = <T>(
  range: string,
  parse: (value: string) => T | Refusal,
  { form, json = form === undefined ? { type: 'string' } : textForm(form), ...rest }: Text<T> = {},
): Kind<T> =>
  leaf({
    range,
    json,
    parse: (value) => {
      if (typeof value === 'string') return parse(value);
      if (typeof value !== 'number' && typeof value !== 'boolean') return new Refusal('is not text');
      const asText = parse(String(value));
      return new Refusal('is not text', asText instanceof Refusal ? asText.hint : 'put it in quotes');
    },
    takesText: true,
    ...rest,
  });

const isMapping = (value: unknown): boolean =>
  value !== null && typeof value === 'object' && Object.getPrototypeOf(value) === null;

/** What is said of a value where a list belongs. */
export const notAList = 'is not a list';

/** A mapping, whatever it holds. */
export const mapping = v.custom<Record<string, unknown>>(isMapping, 'is not a mapping');

/** A list, whatever it holds. */
export const list = v.custom<unknown[]>(Array.isArray, notAList);

/** Several values of one kind. */
export const listOf = <T>(item: Kind<T>, range: string, minLength = 0): Kind<readonly T[]> => ({
  schema: v.pipe(list, v.array(item.schema), v.minLength(minLength, 'is empty')),
  write: (values) => values.map((value) => item.write(value)),
  range,
  json: { type: 'array', items: item.json, ...(minLength === 0 ? {} : { minItems: minLength }) },
});

/** A key that is recognised so that it can be refused in so many words, and never be ignored. */
export const refusing = (message: string, hint = ''): Kind<never> =>
  leaf<never>({ range: '', json: { not: {} }, parse: () => new Refusal(message, hint), isSecret: true });
