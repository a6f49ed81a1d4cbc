import { fallbackWords } from './fallback-words.ts';
import { globalKeys } from './global-keys.ts';
import { policyKeys, routePolicyKeys } from './policy-keys.ts';
import { type Group, isRow, type Row } from './rows.ts';
import { routeKeys, upstreamKeys } from './upstream-keys.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

const code = (value: unknown): string => {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(code).join(', ');
  return `\`${String(value)}\``;
};

const defaultOf = (row: Row<unknown>): string => row.fallbackText ?? code(row.kind.write(row.fallback));

const rowsOf = (group: Group, prefix: string): string[] => {
  const lines: string[] = [];
  for (const [key, node] of Object.entries(group)) {
    const path = `${prefix}${key}`;
    if (!isRow(node)) lines.push(...rowsOf(node, `${path}.`));
    else if (!node.isRefused) {
      lines.push(
        `| \`${path}\` | ${cell(defaultOf(node))} | ${cell(node.kind.range)} | ${cell(node.meaning)} |`,
      );
    }
  }
  return lines;
};

const table = (group: Group, prefix = ''): string =>
  ['| key | default | values | meaning |', '|---|---|---|---|', ...rowsOf(group, prefix)].join('\n');

/** The keys of one table that another one does not have. */
const without = (group: Group, other: Group): Group =>
  Object.fromEntries(Object.entries(group).filter(([key]) => !(key in other)));

/** The text of `docs/configuration.md`, made from the tables that check the configuration. */
export const referencePage = (): string => `# Configuration

One file, YAML 1.2 or JSON, named with \`-c FILE\` or \`OUTRIGGER_CONFIG\`. Without a file, every destination is allowed
and the defaults below apply. This page is generated from the tables that check the file (\`node src/config/write-reference.ts\`).

- \`outrigger check FILE\` reports everything that is wrong with a file, each with line, column and hint.
- \`outrigger config -c FILE\` prints the configuration that is in force, with every default filled in. It shows neither
  the token nor what came from the environment into the body and the fields of a fallback.
- \`outrigger schema\` prints the JSON Schema. With it in a file, a first line of
  \`# yaml-language-server: $schema=./outrigger.schema.json\` makes editors complete and check.

## Values

- **Durations** are those of the Gateway API: whole numbers with \`h\`, \`m\`, \`s\` or \`ms\`, such as \`250ms\` or \`1m30s\`.
- **Sizes** are bytes, plain (\`512\`) or with \`KiB\`, \`MiB\`, \`GiB\` (1024) or \`KB\`, \`MB\`, \`GB\` (1000).
- **Statuses** are numbers or ranges with both ends included, such as \`404\` or \`500-599\`.
- What has no bound must say so: \`unlimited\`, \`none\` or \`off\`, where the table allows it.
- \`\${NAME}\` puts in a variable of the environment; it is an error when there is none. \`\${NAME:-text}\` has a default
  for one that is missing or empty. \`$\${\` stands for a plain \`\${\`. A variable can only ever be a value, or a part of
  one: it brings in no structure, and no message shows it.
- Unknown keys, keys that are written twice, wrong types and combinations that cannot be meant are errors. Anchors and
  aliases work, within bounds; merge keys (\`<<\`) and tags do not. A file is UTF-8 and has at most 1MiB. The
  words of YAML 1.1 (\`yes\`, \`no\`, \`on\`, \`off\`) are text, and numbers with leading zeros are refused.

Flags go before the environment (\`OUTRIGGER_EGRESS\`, \`OUTRIGGER_ADMIN\`, \`OUTRIGGER_LOG_LEVEL\`), which goes before the
file, which goes before the defaults.

## The proxy itself

${table(globalKeys)}

## Policies

They may stand in \`defaults\`, in an upstream and in its routes. An upstream inherits from \`defaults\`, a route from its
upstream, key by key; lists and header fields are replaced as a whole. Destinations that no upstream names have the
policies of \`defaults\`. In a route, \`retry.budget\` and \`pool\` cannot be written: they belong to the upstream.

${table(policyKeys)}

\`fallback.on\` knows these words: ${fallbackWords.map((word) => `\`${word}\``).join(', ')}.

## Upstreams

\`upstreams\` is a mapping from names (letters, digits, \`_\` and \`-\`, at most 63) to these keys and the policies.

${table(without(upstreamKeys, policyKeys), 'upstreams.*.')}

\`tls: {}\` is TLS with every default; without \`tls\` the upstream is spoken to in plain HTTP. Where the app names a
destination with \`tls\` without a port, 443 is dialled.

## Routes

\`upstreams.*.routes\` is a list. Each route has these keys and the policies. The longest path wins; where two are
equal, the one that names the method.

${table(without(routeKeys, routePolicyKeys), 'upstreams.*.routes[].')}
`;
