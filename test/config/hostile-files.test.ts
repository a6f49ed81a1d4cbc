import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkFile } from '../../src/config/load-settings.ts';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { complaintsOf, problemsOf, settingsOf } from './configuration-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrigger-config-'));
after(() => rmSync(folder, { recursive: true }));

const fileWith = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const complaintAbout = (path: string): string => {
  const result = checkFile(path, {});
  assert.ok(!result.ok, 'was accepted');
  return result.problems.map((problem) => problem.message).join('; ');
};

const bomb = Array.from({ length: 12 }, (_, i) =>
  i === 0
    ? 'a0: &a0 [x]'
    : `a${i}: &a${i} [${Array(9)
        .fill(`*a${i - 1}`)
        .join(',')}]`,
).join('\n');

const many = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

interface Row {
  readonly name: string;
  readonly text: string;
  readonly says: RegExp;
  /** `line:column` of the first problem. */
  readonly at?: string;
}

const rows: readonly Row[] = [
  { name: 'nothing', text: '', says: /the file is empty/ },
  { name: 'only a comment', text: '# later\n', says: /the file is empty/ },
  { name: 'only a list', text: '- a\n', says: /a list is not a mapping/ },
  { name: 'only a word', text: 'hello\n', says: /not a mapping/ },
  { name: 'a bomb of aliases', text: bomb, says: /stand for too much/ },
  { name: 'an alias of itself', text: 'upstreams: &a { a: *a }', says: /a part of/ },
  { name: 'an alias of nothing', text: 'defaults: *nothing', says: /no anchor "nothing"/ },
  { name: 'a key written twice', text: 'egress: {}\nlog: {}\negress: {}\n', says: /written twice/ },
  {
    name: 'a tab as indentation',
    text: 'egress:\n\tunlisted: deny\n',
    says: /tabs are not allowed/,
    at: '2:1',
  },
  ...['__proto__', 'constructor', 'prototype'].flatMap((key) => [
    { name: `the key ${key}`, text: `${key}: { polluted: true }`, says: /unknown key/, at: '1:1' },
    {
      name: `the key "${key}" in JSON`,
      text: `{"${key}":{"polluted":true}}`,
      says: /unknown key/,
      at: '1:2',
    },
    {
      name: `${key} in a group`,
      text: `egress: { ${key}: { polluted: 1 } }`,
      says: /unknown key/,
      at: '1:11',
    },
    { name: `${key} as an upstream`, text: `upstreams: { ${key}: { polluted: 1 } }`, says: /unknown key/ },
    {
      name: `${key} in an upstream`,
      text: `upstreams: { a: { ${key}: { polluted: 1 } } }`,
      says: /unknown key/,
    },
    {
      name: `${key} as a field`,
      text: `defaults: { fallback: { on: [timeout], headers: { ${key}: polluted } } }`,
      says: /unknown key/,
    },
    {
      name: `${key} in a route`,
      text: `upstreams: { a: { routes: [{ name: r, match: { ${key}: { polluted: 1 } } }] } }`,
      says: /unknown key/,
    },
  ]),
  {
    name: 'a route called constructor',
    text: 'upstreams: { a: { routes: [{ name: constructor }] } }',
    says: /reserved/,
  },
  {
    name: 'a method of every object as a key',
    text: 'egress: { toString: 1 }',
    says: /unknown key "toString"/,
  },
  { name: 'not a number', text: 'egress: { maxConnections: .nan }', says: /NaN is not a whole number/ },
  { name: 'a number without end', text: 'egress: { maxConnections: 1e999 }', says: /not a whole number/ },
  {
    name: 'a number that a double cannot hold',
    text: 'egress: { maxConnections: 9007199254740993 }',
    says: /not a whole number/,
  },
  {
    name: 'an octal number, or not',
    text: 'egress: { maxConnections: 0100 }',
    says: /ambiguous/,
    at: '1:27',
  },
  {
    name: 'a number with an underscore',
    text: 'egress: { maxConnections: 1_000 }',
    says: /not a whole number/,
  },
  { name: 'infinity', text: 'egress: { maxConnections: .inf }', says: /Infinity is not a whole number/ },
  { name: 'less than infinity', text: 'egress: { maxConnections: -.inf }', says: /not a whole number/ },
  { name: 'a time of YAML 1.1', text: 'defaults: { timeout: { total: 1:30 } }', says: /not a duration/ },
  ...['yes', 'no', 'on', 'off', 'y', 'n'].map((word) => ({
    name: `the word ${word}, a boolean in YAML 1.1`,
    text: `defaults: { retry: { nonIdempotent: ${word} } }`,
    says: /is neither true nor false/,
    at: '1:37',
  })),
  ...['!!js/function', '!!python/object/apply:os.system', '!<tag:yaml.org,2002:js/regexp>', '!local'].map(
    (tag) => ({ name: `the tag ${tag}`, text: `egress: ${tag} "x"`, says: /tag/, at: '1:9' }),
  ),
  { name: 'bytes', text: 'egress: { unlisted: !!binary aGk= }', says: /tag/ },
  { name: 'YAML 1.1', text: '%YAML 1.1\n---\negress: {}\n', says: /not YAML 1\.2/ },
  { name: 'two documents', text: 'egress: {}\n---\nlog: {}\n', says: /multiple documents/ },
  { name: 'a merge key', text: 'egress: { <<: { unlisted: allow } }', says: /unknown key "<<"/ },
  { name: 'a list as a key', text: '? [a]\n: b\n', says: /keys must be strings/ },
  { name: 'a bracket that never closes', text: 'egress: [', says: /./ },
  { name: 'a million brackets', text: '['.repeat(1_000_000), says: /nested too deeply/ },
  { name: 'half a million dashes', text: '- '.repeat(500_000), says: /nested too deeply/ },
  {
    name: 'a thousand levels of blocks',
    text: Array.from({ length: 1200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    says: /nested too deeply/,
  },
  {
    name: 'sixty thousand keys',
    text: Array.from({ length: 60_000 }, (_, i) => `k${i}: 1`).join('\n'),
    says: /too much/,
  },
  { name: 'a million lines of nothing', text: '\n'.repeat(1_000_000), says: /too much/ },
  {
    name: 'references that never end',
    text: `egress: "${'${A:-'.repeat(150_000)}"`,
    says: /valid reference/,
  },
  { name: 'a text that never ends', text: `egress: "${'x'.repeat(1_000_000)}`, says: /missing closing/ },
  { name: 'a file that ends within a text', text: 'log:\n  level: "in', says: /missing closing/, at: '2:13' },
  { name: 'a file that ends within a mapping', text: 'log: { level: info', says: /./ },
  { name: 'a NUL that is spelled out', text: 'egress: { unlisted: "\\0" }', says: /not known here/ },
  { name: 'a NUL', text: 'log:\n  level: in\0fo', says: /no text \(U\+0000\)/, at: '2:12' },
  { name: 'an escape for the terminal', text: 'log: {} # \x1b[2J', says: /no text \(U\+001B\)/, at: '1:11' },
  {
    name: 'thirty thousand aliases',
    text: `a: &a {}\n${many(30_000, (i) => `b${i}: *a`)}`,
    says: /too many aliases/,
  },
  {
    name: 'aliases for much more than they are',
    text: `a: &a [${'x, '.repeat(4000)}]\n${many(100, (i) => `b${i}: *a`)}`,
    says: /stand for too much/,
    at: '4:5',
  },
];

for (const { name, text, says, at } of rows) {
  test(`refused: ${name}`, () => {
    const before = Reflect.ownKeys(Object.prototype).length;
    const problems = problemsOf(text);
    assert.match(problems.map((problem) => problem.message).join('; '), says);
    if (at !== undefined) assert.equal(`${problems[0]?.line}:${problems[0]?.column}`, at);
    assert.ok(!('polluted' in {}) && Reflect.ownKeys(Object.prototype).length === before);
  });
}

test('a mapping of five thousand keys takes time in proportion, not in its square', () => {
  const names = Array.from({ length: 5000 }, (_, i) => `  u${i}: {}`).join('\n');
  assert.equal(settingsOf(`upstreams:\n${names}\n`).upstreams.length, 5000);
});

test('fifty problems are told, and how many more there are', () => {
  for (const [count, rest] of [
    [50, undefined],
    [51, 'and 1 more problem'],
    [10_000, 'and 9950 more problems'],
  ] as const) {
    const problems = problemsOf(many(count, (i) => `k${i}: 1`));
    assert.equal(problems[49]?.message, 'unknown key "k49"');
    assert.equal(problems[50]?.message, rest);
  }
});

// None of these takes noticeable time; each took seconds when something was compared with everything before it.
for (const [name, text, count] of [
  [
    'listeners of one port',
    `upstreams:\n${many(5000, (i) => `  u${i}: { listen: "127.0.${i >> 8}.${i & 255}:80" }`)}`,
    0,
  ],
  ['listeners of one address', `upstreams:\n${many(5000, (i) => `  u${i}: { listen: "127.0.0.1:80" }`)}`, 51],
  [
    'endpoints that might lead back',
    `upstreams:\n${many(3000, (i) => `  u${i}: { listen: "127.1.${i >> 8}.${i & 255}:80", endpoints: ["10.0.${i >> 8}.1:80"] }`)}`,
    0,
  ],
  [
    'wrong values',
    `upstreams:\n${many(3000, (i) => `  u${i}: { listen: x, timeout: { connect: 20s } }`)}`,
    51,
  ],
  [
    'methods of two routes',
    `upstreams: { u: { routes: [${['A', 'B'].map((r) => `{ name: ${r}, match: { methods: [${many(12_000, (i) => `${r}${i},`).replaceAll('\n', '')}] } }`).join(',')}] } }`,
    0,
  ],
] as const) {
  test(`thousands of ${name} take time in proportion, not in its square`, { timeout: 5000 }, () => {
    const parsed = parseSettings(text, 'test.yaml', {});
    assert.equal(parsed.ok ? 0 : parsed.problems.length, count);
  });
}

test('a number may be written in every way that YAML 1.2 has', () => {
  for (const [written, count] of [
    ['0x1F', 31],
    ['0o17', 15],
    ['+15', 15],
    ['1e3', 1000],
    ['1000.0', 1000],
  ] as const) {
    assert.equal(settingsOf(`egress: { maxTunnels: ${written} }`).egress.maxTunnels, count, written);
  }
  assert.ok(Object.is(settingsOf('defaults: { bulkhead: { queue: -0 } }').unlistedPolicy.bulkhead.queue, 0));
});

test('a byte order mark and Windows line ends change nothing, positions included', () => {
  const path = fileWith('crlf.yaml', '\ufeffegress:\r\n  unlisted: nobody\r\n');
  const result = checkFile(path, {});
  assert.ok(!result.ok);
  assert.deepEqual(
    result.problems.map(({ line, column }) => [line, column]),
    [[2, 13]],
  );
  assert.deepEqual(complaintsOf('egress:\r\n  unlisted: nobody\r\n').length, 1);
});

test('what is not a file of text is refused without being read to its end', async (t) => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const socket = join(folder, 'socket');
  const server = createServer().listen(socket);
  await once(server, 'listening');
  t.after(() => server.close());
  mkdirSync(join(folder, 'folder'));
  symlinkSync('loop', join(folder, 'loop'));
  for (const [path, says] of [
    [join(folder, 'missing.yaml'), /no such file/],
    [join(folder, 'folder'), /is a directory/],
    [fifo, /not a regular file/],
    [socket, /not a regular file/],
    ['/dev/zero', /not a regular file/],
    [join(folder, 'loop'), /symbolic links/],
    [fileWith('large.yaml', '#'.repeat(2 * 1_048_576)), /larger than 1MiB/],
    [fileWith('latin1.yaml', Buffer.from('log: { level: \xe9 }', 'latin1')), /not UTF-8/],
    [fileWith('utf16.yaml', Buffer.from('\ufefflog: {}', 'utf16le')), /not UTF-8/],
    [fileWith('utf16-without-mark.yaml', Buffer.from('log: {}', 'utf16le')), /no text \(U\+0000\)/],
    [fileWith('cut.yaml', Buffer.from('log: {} # \u00e9').subarray(0, -1)), /not UTF-8/],
    [`${folder}/a\0b`, /no such file/],
    ['', /no such file/],
  ] as const) {
    assert.match(complaintAbout(path), says, path);
  }
});

test('a file of exactly 1MiB is read', () => {
  const path = fileWith('exact.yaml', '{} #'.padEnd(1_048_576, 'x'));
  assert.ok(checkFile(path, {}).ok);
});

test('of a file that is said to be huge, no more than 1MiB is read', () => {
  const path = fileWith('sparse.yaml', '');
  truncateSync(path, 100 * 1_048_576);
  assert.match(complaintAbout(path), /larger than 1MiB/);
});

test("a fallback's body file is refused under the same rules", () => {
  fileWith('body.json', '{"a":1}');
  const path = fileWith('relative.yaml', 'defaults: { fallback: { on: [timeout], bodyFile: body.json } }');
  const result = checkFile(path, {});
  assert.ok(result.ok);
  assert.equal(Buffer.from(result.settings.unlistedPolicy.fallback.body).toString(), '{"a":1}');
  execFileSync('mkfifo', [join(folder, 'body-fifo')]);
  mkdirSync(join(folder, 'body-folder'));
  fileWith('body-large', 'x'.repeat(1_048_577));
  for (const [name, says] of [
    ['body-folder', /body-folder: is a directory/],
    ['body-fifo', /body-fifo: is not a regular file/],
    ['/dev/zero', /zero: is not a regular file/],
    ['body-missing', /body-missing: there is no such file/],
    ['body-large', /body-large: is larger than 1MiB/],
  ] as const) {
    const text = `defaults: { fallback: { on: [timeout], bodyFile: ${name} } }`;
    assert.match(complaintAbout(fileWith('with-body.yaml', text)), says);
  }
});
