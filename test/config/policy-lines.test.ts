import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { type PolicyValue, policyLines } from '../../src/config/policy-lines.ts';
import { referencePage } from '../../src/config/reference-page.ts';
import type { Environment } from '../../src/config/substitution.ts';
import { settingsOf } from './configuration-text.ts';

/** Every line of a command, called as in the streams; of an unlisted destination where there is a port. */
const linesOf = (text: string, command: string, env: Environment = {}): readonly PolicyValue[] => {
  const [upstream = '', route = ''] = command.split('.');
  const owner = { upstream, route, isUnlisted: command.includes(':') };
  const lines = policyLines(settingsOf(text, env), owner);
  assert.ok(lines !== null, `there is no command ${command}`);
  return lines;
};

/** One line as `value | layer | place`. */
const lineOf = (text: string, command: string, key: string, env: Environment = {}): string => {
  const line = linesOf(text, command, env).find((each) => each.key === key);
  return line === undefined ? 'not listed' : `${line.value} | ${line.layer} | ${line.place}`;
};

const layered = `
defaults:
  timeout: { idle: 20s }
  retry: { on: [reset, 503], budget: { percent: 7 } }
upstreams:
  shop:
    timeout:
      idle: 30s
      total: 8s
    bulkhead: { concurrency: unlimited }
    pool: { maxIdle: 5 }
    routes:
      - name: buy
        timeout:
          total:
            4s
        breaker: { slowerThan: 1s }
      - { name: look, match: { path: /l }, bulkhead: { concurrency: 3 } }
`;

test('the nearest layer that wrote a value is named, with the line and column of the value', () => {
  assert.equal(lineOf(layered, 'shop.buy', 'timeout.total'), '4s | route | test.yaml:16:13');
  assert.equal(lineOf(layered, 'shop', 'timeout.total'), '8s | upstream | test.yaml:9:14');
  assert.equal(lineOf(layered, 'shop.buy', 'timeout.idle'), '30s | upstream | test.yaml:8:13');
  assert.equal(lineOf(layered, 'shop.buy', 'retry.on'), 'reset, 503 | defaults | test.yaml:4:16');
  assert.equal(lineOf(layered, 'shop.buy', 'breaker.volume'), '20 | built in | null');
});

test('an unlisted destination has what defaults say', () => {
  assert.equal(lineOf(layered, 'shop.example:80', 'timeout.idle'), '20s | defaults | test.yaml:3:20');
  assert.equal(lineOf(layered, 'shop.example:80', 'timeout.total'), '15s | built in | null');
});

test('a command that the settings do not have has no lines', () => {
  const settings = settingsOf(layered);
  assert.equal(policyLines(settings, { upstream: 'shop', route: 'sell', isUnlisted: false }), null);
  assert.equal(policyLines(settings, { upstream: 'other', route: '', isUnlisted: false }), null);
});

test('every key of the reference page is listed in its order, for routes too', () => {
  const page = /## Policies\n.*?\n\n(\|.*?)\n\n/s.exec(referencePage())![1]!;
  const documented = [...page.matchAll(/^\| `([^`]+)`/gm)].map(([, key]) => key!);
  assert.ok(documented.includes('pool.maxIdle'));
  // The body of a fallback stands in one of two places.
  const expected = documented.filter((key) => key !== 'fallback.bodyFile');
  for (const command of ['shop', 'shop.buy', 'shop.look', 'shop.example:80']) {
    assert.deepEqual(
      linesOf(layered, command).map(({ key }) => key),
      expected,
    );
  }
});

test('values are in the words of the file', () => {
  const values = new Map(linesOf('upstreams: { a: {} }', 'a').map(({ key, value }) => [key, value]));
  const shown = (key: string) => values.get(key);
  assert.equal(shown('timeout.attempt'), 'none');
  assert.equal(shown('timeout.connect'), '1s');
  assert.equal(shown('retry.bodyLimit'), '64KiB');
  assert.equal(shown('retry.on'), 'connect-failure, reset, 502, 503, 504');
  assert.equal(shown('failure.status'), '500, 502-504, 506-599');
  assert.equal(shown('failure.ignore'), 'none');
  assert.equal(shown('breaker.slowerThan'), 'off');
  assert.equal(shown('breaker.countRejections'), 'false');
  assert.equal(shown('fallback.headers'), 'none');
  assert.equal(shown('fallback.body'), 'empty');
  assert.equal(lineOf(layered, 'shop', 'bulkhead.concurrency'), 'unlimited | upstream | test.yaml:10:30');
});

test('what belongs to the upstream is shown for its routes', () => {
  assert.equal(lineOf(layered, 'shop.buy', 'pool.maxIdle'), '5 | upstream | test.yaml:11:22');
  assert.equal(lineOf(layered, 'shop.buy', 'retry.budget.percent'), '7 | defaults | test.yaml:4:49');
});

test('a route shows the bulkhead that its requests wait for', () => {
  const key = 'bulkhead.concurrency';
  assert.equal(lineOf(layered, 'shop.buy', key), 'unlimited | upstream | test.yaml:10:30');
  assert.equal(lineOf(layered, 'shop.look', key), '3 | route | test.yaml:18:69');
});

test('a bulkhead without a queue has no wait in it, and a route that brings a queue back has one again', () => {
  const text = `
upstreams:
  a:
    bulkhead: { queue: 0 }
    routes: [{ name: r, bulkhead: { queue: 1 } }]
`;
  assert.equal(lineOf(text, 'a', 'bulkhead.queueTimeout'), 'not listed');
  assert.equal(lineOf(text, 'a.r', 'bulkhead.queueTimeout'), '1s | built in | null');
});

test('a value that a shorter total holds lower is shown with the place of that total', () => {
  const text = `
upstreams:
  a:
    timeout: { total: 800ms }
    routes:
      - { name: slow, timeout: { total: 9s } }
      - { name: fast, match: { path: /f }, timeout: { total: 100ms } }
`;
  const connect = 'timeout.connect';
  assert.equal(lineOf(text, 'a', connect), '800ms | upstream | test.yaml:4:23');
  assert.equal(lineOf(text, 'a.slow', connect), '800ms | upstream | test.yaml:4:23');
  assert.equal(lineOf(text, 'a.fast', connect), '100ms | route | test.yaml:7:62');
  // Its requests wait in the upstream's bulkhead, for as long as that one says.
  assert.equal(lineOf(text, 'a.fast', 'bulkhead.queueTimeout'), '800ms | upstream | test.yaml:4:23');
});

test('a total that a limit of the whole exchange holds lower leads to that limit, and so does what hangs on it', () => {
  const text = 'upstreams: { a: { timeout: { body: 300ms } } }';
  for (const key of ['timeout.body', 'timeout.total', 'timeout.connect', 'bulkhead.queueTimeout']) {
    assert.equal(lineOf(text, 'a', key), '300ms | upstream | test.yaml:1:36');
  }
});

test('of two limits the one that holds the value is named', () => {
  const text = `
defaults: { breaker: { slowerThan: 5s } }
upstreams:
  a: { timeout: { attempt: 2s, total: 4s } }
  b: { timeout: { total: 4s } }
`;
  assert.equal(lineOf(text, 'a', 'breaker.slowerThan'), '2s | upstream | test.yaml:4:28');
  assert.equal(lineOf(text, 'b', 'breaker.slowerThan'), '4s | upstream | test.yaml:5:26');
});

test('a body limit that the memory for all bodies holds lower leads there', () => {
  const text = 'limits: { replay: 16KiB }\nupstreams: { a: { routes: [{ name: r }] } }';
  assert.equal(lineOf(text, 'a.r', 'retry.bodyLimit'), '16KiB | limits | test.yaml:1:19');
});

const makeFolder = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
};

test('of body and bodyFile the one that was written nearest is listed', (t) => {
  const folder = makeFolder(t);
  writeFileSync(join(folder, 'sorry.json'), '{"a":1}');
  const text = `
defaults:
  fallback: { on: [timeout], body: plain }
upstreams:
  a:
    fallback: { bodyFile: sorry.json }
    routes:
      - { name: r, fallback: { body: words } }
      - { name: s, match: { path: /s }, fallback: { status: 503 } }
  b: { fallback: { bodyFile: "\${DIR}/sorry.json" } }
`;
  const file = join(folder, 'outrigger.yaml');
  const parsed = parseSettings(text, file, { DIR: folder });
  assert.ok(parsed.ok);
  const bodyOf = (upstream: string, route = '') =>
    policyLines(parsed.settings, { upstream, route, isUnlisted: false })!
      .filter(({ key }) => key.startsWith('fallback.body'))
      .map(({ key, value, layer, place }) => `${key} ${value} | ${layer} | ${place?.replace(file, 'x')}`);

  assert.deepEqual(bodyOf('a'), ['fallback.bodyFile sorry.json | upstream | x:6:27']);
  assert.deepEqual(bodyOf('a', 'r'), ['fallback.body words | route | x:8:38']);
  assert.deepEqual(bodyOf('a', 's'), ['fallback.bodyFile sorry.json | upstream | x:6:27']);
  // The environment may say where it lies; that is not told.
  assert.deepEqual(bodyOf('b'), [`fallback.bodyFile "\${DIR}/sorry.json" | upstream | x:10:30`]);
});

test('what came from the environment is shown with the place of the reference, and hidden in a fallback', () => {
  const text = `
upstreams:
  a:
    timeout: { total: "\${TOTAL}" }
    fallback:
      on: [timeout]
      headers: { x-a: plain, x-key: "\${KEY}" }
      body: "\${KEY}!"
`;
  const env = { TOTAL: '3s', KEY: 'xyzzy' };
  assert.equal(lineOf(text, 'a', 'timeout.total', env), '3s | upstream | test.yaml:4:23');
  const headers = 'x-a: plain, x-key: <redacted> | upstream | test.yaml:7:16';
  assert.equal(lineOf(text, 'a', 'fallback.headers', env), headers);
  assert.equal(lineOf(text, 'a', 'fallback.body', env), '<redacted> | upstream | test.yaml:8:13');
});

test('a long body is cut, and stays on one line', () => {
  const text = `upstreams: { a: { fallback: { on: [timeout], body: "one\\ntwo ${'x'.repeat(500)}" } } }`;
  const body = linesOf(text, 'a').find(({ key }) => key === 'fallback.body')!.value;
  assert.match(body, /^one two x+…$/);
  assert.equal(body.length, 201);
});

test('a value behind an alias is found where it was written', () => {
  const text = `
defaults:
  timeout: &slow { total: 3s }
upstreams:
  a: { timeout: *slow }
  b: { bulkhead: { queueTimeout: &wait 2s }, retry: { backoff: { max: *wait } } }
`;
  assert.equal(lineOf(text, 'a', 'timeout.total'), '3s | upstream | test.yaml:3:27');
  assert.equal(lineOf(text, 'b', 'retry.backoff.max'), '2s | upstream | test.yaml:6:71');
});

test('an upstream may be called defaults', () => {
  const text = 'defaults: { timeout: { total: 2s } }\nupstreams: { defaults: { timeout: { total: 1s } } }';
  assert.equal(lineOf(text, 'defaults', 'timeout.total'), '1s | upstream | test.yaml:2:44');
});
