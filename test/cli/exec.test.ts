import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCommand } from '../rig/command-client.ts';
import { launcher } from '../rig/sidecar-process.ts';
import { anyPorts, nodeScript, startExec } from './exec-process.ts';
import { outrigger } from './outrigger-process.ts';

const noCalls = 'outrigger: no calls went through the proxy\n';

test('it exits with the code of the program', async (t) => {
  for (const code of [0, 7]) {
    const { finished } = startExec(t, nodeScript(`process.exit(${code})`));
    assert.deepEqual(await finished, { code, stdout: '', stderr: noCalls });
  }
});

test('for a program that a signal has ended, the code is 128 and its number', async (t) => {
  const { finished } = startExec(t, nodeScript(`process.kill(process.pid, 'SIGKILL')`));
  assert.equal((await finished).code, 137);
});

test('a program that is not there, or cannot be run, is one line and the code of a shell', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-exec-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const plain = join(folder, 'plain');
  writeFileSync(plain, 'no program');
  chmodSync(plain, 0o644);
  for (const [program, code, why] of [
    ['no-such-program-anywhere', 127, 'there is no such program'],
    [join(folder, 'missing'), 127, 'there is no such program'],
    ['', 127, 'there is no such program'],
    [plain, 126, 'the system said EACCES'],
  ] as const) {
    const line = `outrigger: cannot run ${JSON.stringify(program)}: ${why}\n`;
    assert.deepEqual(await startExec(t, [program]).finished, { code, stdout: '', stderr: line });
  }
});

test('the program gets its arguments as they are, and no shell looks at them', async (t) => {
  const args = ['$HOME', 'a b', '*', '--', '--admin', "it's", ''];
  const script = 'console.log(JSON.stringify(process.argv.slice(1)))';
  const { stdout } = await startExec(t, [...nodeScript(script), '--', ...args]).finished;
  assert.deepEqual(JSON.parse(stdout), args);
});

test('the program has the standard input, and nobody else writes to its standard output', async () => {
  const command = [launcher, 'exec', ...anyPorts, '--log-level', 'info', '--no-summary', '--', 'cat'];
  const stdin = Buffer.from('what was typed\n');
  const { exitCode, stdout, stderr } = await runCommand(process.execPath, command, {
    env: { PATH: process.env['PATH'] ?? '' },
    stdin,
  });
  assert.equal(exitCode, 0);
  assert.deepEqual(stdout, stdin);
  for (const line of stderr.trimEnd().split('\n')) assert.ok(typeof JSON.parse(line).event === 'string');
  assert.match(stderr, /process\.started/);
});

test('the sidecar is ready before the program begins, and says nothing unless it is asked to', async (t) => {
  const script = `fetch('http://' + process.env.OUTRIGGER_ADMIN + '/readyz').then(({ status }) => console.log(status))`;
  const { finished } = startExec(t, nodeScript(script), { flags: ['--no-summary'] });
  assert.deepEqual(await finished, { code: 0, stdout: '200\n', stderr: '' });
});

test('without a program, or with options before it that are none of ours, it is wrong usage in one line', async () => {
  for (const args of [['exec'], ['exec', '--'], ['exec', 'npm', '--silent']]) {
    const { code, stderr } = await outrigger(args);
    assert.equal(code, 64);
    assert.match(stderr, /^outrigger: [^\n]+ -- CMD[^\n]+\n$/);
  }
});
