import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parse } from 'yaml';
import project from '../../package.json' with { type: 'json' };
import { outrigger } from './outrigger-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrigger-cli-'));
after(() => rmSync(folder, { recursive: true }));

const fileWith = (name: string, text: string): string => {
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
  for (const args of [['--help'], ['help'], ['run', '--help'], ['check', '--help'], ['config', '--help']]) {
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

test('config and run refuse a bad file with code 78', async () => {
  for (const command of ['config', 'run']) {
    const { code, stdout, stderr } = await outrigger([command, '-c', bad]);
    assert.equal(code, 78);
    assert.equal(stdout, '');
    assert.equal(stderr.trimEnd().split('\n').length, 2);
  }
});
