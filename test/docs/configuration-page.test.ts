import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { describeSettings } from '../../src/config/describe-settings.ts';
import { settingsOf } from '../config/configuration-text.ts';
import { readPage } from './pages.ts';

/** Every key of the page on configuration, written into a configuration. */

/** Values for keys whose default cannot be written. */
const examples: Readonly<Record<string, unknown>> = {
  'admin.token': 'a-token-of-some-length',
  'admin.probes': '127.0.0.1:7402',
  'admin.allowHosts': ['admin.example'],
  'failure.ignore': [501],
  'fallback.on': ['timeout'],
  'fallback.headers': { 'content-type': 'text/plain' },
  'fallback.body': 'sorry',
  'upstreams.*.hosts': ['u'],
  'upstreams.*.listen': '127.0.0.1:9001',
  'upstreams.*.endpoints': ['10.1.0.4:80'],
  'upstreams.*.dns': 'u.example:80',
  'upstreams.*.hostHeader': 'u.example',
  'upstreams.*.tls.serverName': 'u.example',
  'upstreams.*.routes[].name': 'r',
  'upstreams.*.routes[].match.methods': ['GET'],
};

/** Keys whose value is a list although the default is one word. */
const lists: readonly string[] = ['upgrade', 'upstreams.*.tls.alpn'];

/** Keys that name files: other tests write these. */
const files: readonly string[] = [
  'fallback.bodyFile',
  'upstreams.*.tls.ca',
  'upstreams.*.tls.cert',
  'upstreams.*.tls.key',
];

/** A default that can be written, and not words about it such as "its key": one or more values, as YAML has them. */
const valuesOf = (shown: string): unknown[] =>
  /^`[^`]*`(?:, `[^`]*`)*$/.test(shown)
    ? [...shown.matchAll(/`([^`]*)`/g)].map(([, word = '']) => parse(word))
    : [];

const rows = [...readPage('docs/configuration.md').text.matchAll(/^\| `([\w.*[\]]+)` \| (.*?) \|/gm)].map(
  ([, key = '', shown = '']) => ({ key, values: valuesOf(shown) }),
);

type Tree = Record<string, unknown>;

/** Settings in which this one key is written, and what it needs beside it; undefined: the key is left out. */
const settingsWith = (key: string, value: unknown): unknown => {
  const isOfUpstream = key.startsWith('upstreams.');
  const isGlobal = /^(?:admin|egress|limits|log|drain)\./.test(key);
  const path = (isGlobal || isOfUpstream ? key : `defaults.${key}`).split(/\.|(?=\[\])/);
  const configuration: Tree = {
    upstreams: { u: { ...beside(key), routes: [{ name: 'r', match: { methods: ['POST'] } }] } },
  };
  if (value !== undefined) write(configuration, path, value);
  return describeSettings(settingsOf(JSON.stringify(configuration)));
};

const beside = (key: string): Readonly<Record<string, unknown>> => (key.includes('.tls.') ? { tls: {} } : {});

/** `*` is the one upstream, `[]` its one route. */
const write = (tree: Tree, [step = '', ...rest]: readonly string[], value: unknown): void => {
  const names: Readonly<Record<string, string>> = { '*': 'u', '[]': '0' };
  const name = names[step] ?? step;
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const below = (tree[name] ?? {}) as Tree;
  tree[name] = below;
  write(below, rest, value);
};

test('every key of the page is written by a test', () => {
  assert.ok(rows.length > 80, `${rows.length}`);
  const unwritten = rows.filter(
    ({ key, values }) => values.length === 0 && !(key in examples) && !files.includes(key),
  );
  assert.deepEqual(unwritten, []);
});

for (const { key, values } of rows) {
  const [only] = values;
  if (only === undefined) continue;
  const value = values.length > 1 || lists.includes(key) ? values : only;
  test(`${key}: ${JSON.stringify(value)} is what holds where it is not written`, () => {
    assert.deepEqual(settingsWith(key, value), settingsWith(key, undefined));
  });
}

for (const [key, value] of Object.entries(examples)) {
  test(`${key} can be ${JSON.stringify(value)}`, () => {
    settingsWith(key, value);
  });
}
