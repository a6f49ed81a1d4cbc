import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import project from '../../package.json' with { type: 'json' };
import { outrigger } from './outrigger-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrigger-cli-'));
after(() => rmSync(folder, { recursive: true }));

const fileWith = (name: string, text: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const good = fileWith('good.yaml', 'egress: { unlisted: deny }\n');
const bad = fileWith('bad.yaml', 'egress:\n  unlisted: nobody\n  addres: x\n');

test('wrong usage is one line on standard error and code 64', async () => {
  for (const args of [
    ['chekc'],
    ['check'],
    ['run', '--no-such-flag'],
    ['run', 'surplus'],
    ['check', '--format', 'xml', good],
    ['run', '--egress', 'nowhere'],
    ['run', '--log-level', 'loud'],
    ['run', '-c'],
  ]) {
    const { code, stdout, stderr } = await outrigger(args);
    assert.equal(code, 64, args.join(' '));
    assert.equal(stdout, '');
    assert.match(stderr, /^[^\n]+\n$/);
  }
});

test('without a command, the help goes to standard error, and the code is 64', async () => {
  const { code, stdout, stderr } = await outrigger([]);
  assert.equal(code, 64);
  assert.equal(stdout, '');
  assert.match(stderr, /^Usage: outrigger/);
});

test('help and version are answers, not errors', async () => {
  for (const args of [
    ['--help'],
    ['help'],
    ...['run', 'exec', 'check', 'config', 'schema', 'inject'].map((name) => [name, '--help']),
  ]) {
    const { code, stdout, stderr } = await outrigger(args);
    assert.equal(code, 0, args.join(' '));
    assert.match(stdout, /^Usage: outrigger/);
    assert.equal(stderr, '');
  }
  assert.deepEqual(await outrigger(['--version']), { code: 0, stdout: `${project.version}\n`, stderr: '' });
});

test('check says that a file is good', async () => {
  assert.deepEqual(await outrigger(['check', good]), { code: 0, stdout: `${good}: ok\n`, stderr: '' });
});

test('check reports every problem of every file, one line each, with code 78', async () => {
  const { code, stdout, stderr } = await outrigger(['check', good, bad, join(folder, 'missing.yaml')]);
  assert.equal(code, 78);
  assert.equal(stdout, `${good}: ok\n`);
  assert.deepEqual(stderr.trimEnd().split('\n'), [
    `${bad}:2:13: egress.unlisted: "nobody" is not known here (known: deny, allow)`,
    `${bad}:3:3: egress.addres: unknown key "addres" (did you mean "address"?)`,
    `${join(folder, 'missing.yaml')}: there is no such file`,
  ]);
});

test('check gives JSON to programs', async () => {
  const { code, stdout, stderr } = await outrigger(['check', '--format', 'json', bad]);
  assert.equal(code, 78);
  assert.equal(stderr, '');
  const report = JSON.parse(stdout);
  assert.equal(report.ok, false);
  assert.deepEqual(report.problems[1], {
    file: bad,
    line: 3,
    column: 3,
    path: 'egress.addres',
    message: 'unknown key "addres"',
    hint: 'did you mean "address"?',
  });
});

test('config prints what is in force, without the token, and the output passes check', async () => {
  const file = fileWith('full.yaml', `admin: { token: "\${TOKEN}" }\nupstreams: { reviews: {} }\n`);
  const env = { TOKEN: 'a-long-secret', OUTRIGGER_CONFIG: file, OUTRIGGER_EGRESS: '127.0.0.1:8400' };
  const { code, stdout, stderr } = await outrigger(['config'], env);
  assert.equal(code, 0, stderr);
  assert.ok(!stdout.includes('a-long-secret'));
  const shown = parse(stdout);
  assert.equal(shown.egress.address, '127.0.0.1:8400');
  assert.equal(shown.upstreams.reviews.timeout.total, '15s');
  assert.equal((await outrigger(['check', fileWith('shown.yaml', stdout)])).code, 0);
});

test('schema prints the committed schema', async () => {
  const { code, stdout, stderr } = await outrigger(['schema']);
  assert.equal(code, 0);
  assert.equal(stderr, '');
  assert.equal(stdout, readFileSync(new URL('../../deploy/outrigger.schema.json', import.meta.url), 'utf8'));
});

test('the help of schema says how an editor gets to know it', async () => {
  const { stdout } = await outrigger(['schema', '--help']);
  assert.match(stdout, /outrigger schema > outrigger\.schema\.json/);
  assert.match(stdout, /# yaml-language-server: \$schema=\.\/outrigger\.schema\.json/);
});

test('check ends with 78 for a hostile file, and names the place', async () => {
  const bombs = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`).join(
    '\n',
  );
  for (const [name, content, says] of [
    [
      'bomb.yaml',
      `a0: &a0 [x]\n${bombs}\n`,
      /^\S+bomb\.yaml:5:35: a4\[5\]: the aliases of this file stand for too much\n$/,
    ],
    ['proto.yaml', '__proto__: { a: 1 }\n', /proto\.yaml:1:1: __proto__: unknown key/],
    ['utf16.yaml', Buffer.from('log: {}\n', 'utf16le'), /utf16\.yaml:1:2: .*\(save it as UTF-8\)/],
    ['cut.yaml', 'log:\n  level: "in', /cut\.yaml:2:13: missing closing/],
    ['large.yaml', '#'.repeat(1_048_577), /large\.yaml: is larger than 1MiB/],
  ] as const) {
    const file = fileWith(name, content);
    const { code, stdout, stderr } = await outrigger(['check', file]);
    assert.equal(code, 78, name);
    assert.equal(stdout, '');
    assert.match(stderr, says);
  }
});

test('no command shows a secret that stands in the wrong place', async () => {
  const file = fileWith('leak.yaml', `egress: { unlisted: "\${SECRET}" }\n`);
  for (const args of [
    ['check', '--format', 'json', file],
    ['run', '-c', file],
  ]) {
    const { code, stdout, stderr } = await outrigger(args, { SECRET: 'xyzzy-secret' });
    assert.equal(code, 78);
    assert.ok(!(stdout + stderr).includes('xyzzy'), stdout + stderr);
  }
});

test('config and run refuse a bad file with code 78', async () => {
  for (const command of ['config', 'run']) {
    const { code, stdout, stderr } = await outrigger([command, '-c', bad]);
    assert.equal(code, 78);
    assert.equal(stdout, '');
    assert.equal(stderr.trimEnd().split('\n').length, 2);
  }
});
