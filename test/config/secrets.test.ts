import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { describeSettings } from '../../src/config/describe-settings.ts';
import { globalKeys } from '../../src/config/global-keys.ts';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { type Group, isRow } from '../../src/config/rows.ts';
import { routeKeys, upstreamKeys } from '../../src/config/upstream-keys.ts';
import { settingsOf } from './configuration-text.ts';

/** A name, a host and a word, so that it gets past the checks of every kind of text; and texts that get past none. */
const marker = 'xyzzy-secret-plugh';
const values = [
  marker,
  `/${marker}`,
  `${marker}\n`,
  ` ${marker}`,
  `5${marker}`,
  `GET${marker}`,
  `${marker}:99999`,
];

const complaints = (text: string, secret: string): string => {
  const parsed = parseSettings(text, 'test.yaml', { SECRET: secret });
  return parsed.ok ? '' : parsed.problems.map(formatProblem).join('\n');
};

const reference = `"\${SECRET}"`;

/** The paths of every key of a table. */
const keysOf = (group: Group, before: readonly string[]): string[][] =>
  Object.entries(group).flatMap(([key, node]) => {
    const path = [...before, key];
    return isRow(node) ? [path] : [path, ...keysOf(node, path)];
  });

const nest = (path: readonly string[], value: string): string =>
  path.map((key) => `{ ${key}: `).join('') + value + ' }'.repeat(path.length);

test('no message shows a value from the environment, whatever key it stands in', () => {
  let refused = 0;
  const places = [
    ...keysOf(globalKeys, []).map((path) => (value: string) => nest(path, value)),
    ...keysOf(upstreamKeys, []).map((path) => (value: string) => `upstreams: { a: ${nest(path, value)} }`),
    ...keysOf(routeKeys, []).map(
      (path) => (value: string) => `upstreams: { a: { routes: [${nest(path, value)}] } }`,
    ),
  ];
  for (const place of places) {
    for (const shape of [
      reference,
      `[${reference}]`,
      `[${reference}, ${reference}]`,
      `{ a: ${reference} }`,
    ]) {
      for (const secret of values) {
        const said = complaints(place(shape), secret);
        assert.ok(!said.toLowerCase().includes('xyzzy'), said);
        if (said !== '') refused += 1;
      }
    }
  }
  assert.ok(refused > 1000);
});

test('no message about several values shows one from the environment', () => {
  for (const [text, says] of [
    [
      `upstreams: { a: { hosts: [${reference}] }, b: { hosts: [${reference}] } }`,
      /the host "\$\{SECRET\}" already/,
    ],
    [
      `upstreams: { a: { routes: [{ name: ${reference} }, { name: ${reference} }] } }`,
      /the route "\$\{SECRET\}" .*\n.*the name "\$\{SECRET\}" is taken/,
    ],
    [
      `defaults: { fallback: { on: [timeout], bodyFile: ${reference} } }`,
      /"\$\{SECRET\}": there is no such file/,
    ],
    [`upstreams: { a: { tls: ${reference} } }`, /"\$\{SECRET\}" is not a mapping/],
    [`upstreams: ${reference}`, /"\$\{SECRET\}" is not a mapping/],
  ] as const) {
    const said = complaints(text, marker);
    assert.match(said, says);
    assert.ok(!said.includes(marker));
  }
});

test('a reference that is refused is explained by the range, not by the value', () => {
  assert.equal(
    complaints(`egress: { unlisted: "\${SECRET}" }`, 'allowed'),
    `test.yaml:1:21: egress.unlisted: "\${SECRET}" is not known here (deny, allow)`,
  );
  assert.equal(
    complaints(`egress: { maxTunnels: "\${SECRET}" }`, '0'),
    `test.yaml:1:23: egress.maxTunnels: "\${SECRET}" is out of range (1 to 1000000)`,
  );
});

test('the effective configuration shows no secret from the environment', () => {
  const text = `
admin: { token: "\${SECRET}" }
defaults: { fallback: { on: [timeout], body: "Bearer \${SECRET}", headers: { x-key: "\${SECRET}", x-plain: a } } }
upstreams: { a: { fallback: { body: "\${SECRET}" }, routes: [{ name: r, fallback: { headers: { b: "\${SECRET}" } } }] } }
`;
  const settings = settingsOf(text, { SECRET: marker });
  assert.equal(settings.unlistedPolicy.fallback.headers['x-key'], marker);

  const shown = stringify(describeSettings(settings));

  assert.ok(!shown.includes(marker), shown);
  assert.match(shown, /x-plain: a/);
  assert.ok(parseSettings(shown, 'shown.yaml', {}).ok);
});
