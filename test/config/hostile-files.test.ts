import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkFile } from '../../src/config/load-settings.ts';
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

interface Row {
  readonly name: string;
  readonly text: string;
  readonly says: RegExp;
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
  { name: 'a tab as indentation', text: 'egress:\n\tunlisted: deny\n', says: /tabs are not allowed/ },
  { name: 'a key of the prototype', text: '__proto__: { polluted: true }', says: /unknown key "__proto__"/ },
  {
    name: 'the constructor as a name',
    text: 'upstreams: { constructor: { prototype: {} } }',
    says: /unknown key "constructor"/,
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
  { name: 'an octal number, or not', text: 'egress: { maxConnections: 0100 }', says: /ambiguous/ },
  {
    name: 'a word that YAML 1.1 took for a boolean',
    text: 'defaults: { retry: { nonIdempotent: yes } }',
    says: /"yes" is neither true nor false/,
  },
  { name: 'a function', text: 'egress: !!js/function "x"', says: /tag/ },
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
  { name: 'a NUL', text: 'egress: { unlisted: "\\0" }', says: /not known here/ },
];

for (const { name, text, says } of rows) {
  test(`refused: ${name}`, () => {
    assert.match(
      problemsOf(text)
        .map((problem) => problem.message)
        .join('; '),
      says,
    );
    assert.ok(!('polluted' in {}));
  });
}

test('a mapping of five thousand keys takes time in proportion, not in its square', () => {
  const names = Array.from({ length: 5000 }, (_, i) => `  u${i}: {}`).join('\n');
  assert.equal(settingsOf(`upstreams:\n${names}\n`).upstreams.length, 5000);
});

test('a thousand problems are told, and how many more there are', () => {
  const problems = problemsOf(Array.from({ length: 2000 }, (_, i) => `k${i}: 1`).join('\n'));
  assert.equal(problems.length, 1001);
  assert.equal(problems.at(-1)?.message, 'and 1000 more problems');
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

test('what is not a file of text is refused without being read to its end', () => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  mkdirSync(join(folder, 'folder'));
  symlinkSync('loop', join(folder, 'loop'));
  for (const [path, says] of [
    [join(folder, 'missing.yaml'), /no such file/],
    [join(folder, 'folder'), /is a directory/],
    [fifo, /not a regular file/],
    ['/dev/zero', /not a regular file/],
    [join(folder, 'loop'), /symbolic links/],
    [fileWith('large.yaml', '#'.repeat(2 * 1_048_576)), /larger than 1MiB/],
    [fileWith('latin1.yaml', Buffer.from('log: { level: \xe9 }', 'latin1')), /not UTF-8/],
    [fileWith('utf16.yaml', Buffer.from('\ufefflog: {}', 'utf16le')), /not UTF-8/],
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

test("a fallback's body file is refused under the same rules", () => {
  fileWith('body.json', '{"a":1}');
  const path = fileWith('relative.yaml', 'defaults: { fallback: { on: [timeout], bodyFile: body.json } }');
  const result = checkFile(path, {});
  assert.ok(result.ok);
  assert.equal(Buffer.from(result.settings.unlistedPolicy.fallback.body).toString(), '{"a":1}');
  const missing = fileWith(
    'missing-body.yaml',
    'defaults: { fallback: { on: [timeout], bodyFile: folder } }',
  );
  assert.match(complaintAbout(missing), /folder: is a directory/);
});
