import fc from 'fast-check';
import { stringify } from 'yaml';

/** A workload as data, such as any program could have made it. */
export type ManifestData = Readonly<Record<string, unknown>>;

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,6}$/).filter((name) => name !== 'outrigger');
/** Texts that YAML must quote, fold or write in a block. */
const text = fc.oneof(
  word,
  fc.constantFrom(
    '',
    'yes',
    '007',
    '1e3',
    ': x',
    '# no comment',
    'a: b',
    '- a',
    "it's",
    '"',
    'é ',
    '~',
    '*x',
    '&y',
  ),
  fc.constantFrom('two\nlines', 'ends\n', '\nbegins', 'a\n\n\nb\n\n', '---\nno document\n'),
);
const variable = fc.record({
  name: fc.oneof(fc.stringMatching(/^[A-Z]{1,5}$/), fc.constantFrom('HTTP_PROXY', 'no_proxy')),
  value: text,
});
const variables = fc.uniqueArray(variable, { maxLength: 3, selector: ({ name }) => name });

const container = fc.record(
  {
    name: word,
    image: fc.constantFrom('shop:1', 'registry.example:5000/shop@sha256:00'),
    args: fc.array(text, { maxLength: 2 }),
    env: variables,
    ports: fc.constant([{ containerPort: 8080, name: 'http' }]),
  },
  { requiredKeys: ['name', 'image'] },
);
const containers = (minLength: number) =>
  fc.uniqueArray(container, { minLength, maxLength: 3, selector: ({ name }) => name });

const annotations = fc.dictionary(word, text, { maxKeys: 2 });
const metadata = fc.record({ labels: fc.constant({ app: 'web' }), annotations }, { requiredKeys: [] });

const podSpec = fc.record(
  {
    containers: containers(1),
    initContainers: containers(0),
    volumes: fc.constantFrom([], [{ name: 'a', emptyDir: {} }]),
    nodeSelector: fc.dictionary(word, text, { maxKeys: 2 }),
  },
  { requiredKeys: ['containers'] },
);

const templated = fc.record({
  apiVersion: fc.constant('apps/v1'),
  kind: fc.constantFrom('Deployment', 'StatefulSet', 'DaemonSet', 'ReplicaSet'),
  metadata: fc.record({ name: word }),
  spec: fc.record({ template: fc.record({ metadata, spec: podSpec }, { requiredKeys: ['spec'] }) }),
});
const pod = fc.record({
  apiVersion: fc.constant('v1'),
  kind: fc.constant('Pod'),
  metadata: fc.record({ name: word, annotations }, { requiredKeys: ['name'] }),
  spec: podSpec,
});

/** Some workload, with keys in any order. */
export const workload: fc.Arbitrary<ManifestData> = fc
  .tuple(fc.oneof(templated, pod), fc.boolean())
  .map(([data, isReversed]) => (isReversed ? (reversed(data) as ManifestData) : data));

const reversed = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, each]) => [key, reversed(each)]),
  );
};

/** Comments behind lines and between them, wherever a line is a key or an item of a plain kind. */
const commented = (yaml: string): string =>
  yaml
    .split('\n')
    .map((line) => (/^ *(?:- )?[a-z]\w*:(?: [a-z0-9]+)?$/i.test(line) ? `${line} # behind` : line))
    .map((line) => line.replace(/^( *)(containers|env|volumes|spec|- name):/, '$1# above\n$1$2:'))
    .join('\n');

/** The ways in which people and programs write the same. */
export const styles: Readonly<Record<string, (data: unknown) => string>> = {
  'block style': (data) => stringify(data, { lineWidth: 0 }),
  'lists as far left as their keys': (data) => stringify(data, { indentSeq: false, lineWidth: 40 }),
  'four spaces': (data) => stringify(data, { indent: 4 }),
  comments: (data) => commented(stringify(data, { lineWidth: 0, blockQuote: false })),
  'CR LF': (data) => stringify(data, { blockQuote: false }).replaceAll('\n', '\r\n'),
  'no end of the last line': (data) => stringify(data, { blockQuote: false }).trimEnd(),
  'flow style': (data) => stringify(data, { collectionStyle: 'flow', lineWidth: 0 }),
  JSON: (data) => JSON.stringify(data, null, 2),
  'JSON in one line': (data) => JSON.stringify(data),
};
