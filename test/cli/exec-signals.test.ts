import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { Program } from '../rig/program.ts';
import { launcher } from '../rig/sidecar-process.ts';
import {
  anyPorts,
  configFile,
  isRunning,
  listener,
  nodeScript,
  orderly,
  running,
  startExec,
  stubborn,
} from './exec-process.ts';

test('signals go to the program, each of them and as often as they come, and it decides when it ends', async (t) => {
  const started = startExec(t, nodeScript(listener));
  await running(t, started);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGTERM'] as const) {
    const before = (await started.untilWritten(/ready/)).split('\n').length;
    started.child.kill(signal);
    await started.untilWritten(new RegExp(`(?:.*\\n){${before - 1}}got ${signal}\\n`));
  }
  started.child.kill('SIGUSR2');
  const { code, stdout } = await started.finished;
  assert.equal(code, 42);
  assert.match(stdout, /got SIGUSR2\n$/);
});

test('until the program has ended the sidecar serves', async (t) => {
  const started = startExec(t, nodeScript(orderly));
  await running(t, started);
  started.child.kill('SIGTERM');
  const { code, stdout } = await started.finished;
  assert.equal(code, 5);
  assert.match(stdout, /the sidecar says 200\n$/);
});

test('a program that SIGTERM does not end is killed at drain.deadline, with one line', async (t) => {
  const started = startExec(t, nodeScript(stubborn), { config: { drain: { deadline: '100ms' } } });
  const pid = await running(t, started);
  started.child.kill('SIGTERM');
  const { code, stderr } = await started.finished;
  assert.equal(code, 137);
  assert.match(stderr, /^outrigger: \S+ is killed: 0\.1 s after SIGTERM it still ran\n/);
  assert.equal(isRunning(pid), false);
});

test('SIGINT sets no deadline: for some programs it only ends what they do just now', async (t) => {
  const started = startExec(t, nodeScript(listener), { config: { drain: { deadline: '1ms' } } });
  const pid = await running(t, started);
  started.child.kill('SIGINT');
  await started.untilWritten(/got SIGINT/);
  // The deadline would have passed before this is answered.
  started.child.kill('SIGUSR1');
  await started.untilWritten(/got SIGUSR1/);
  assert.ok(isRunning(pid));
});

const withoutTerminals = spawnSync('script', ['--version']).error === undefined ? false : 'needs script(1)';

test('Ctrl-C on a terminal reaches the program once', { skip: withoutTerminals }, async (t) => {
  const command = [process.execPath, launcher, 'exec', ...anyPorts, '-c', configFile(t, {}), '--'];
  const quoted = [...command, ...nodeScript(`${listener}; console.log('below', process.ppid);`)]
    .map((word) => `'${word.replaceAll("'", "'\\''")}'`)
    .join(' ');
  // The shell between them has no use for the signal.
  const terminal = new Program(t, 'script', ['-qec', `trap : INT; ${quoted}; exit $?`, '/dev/null']);
  await terminal.says('below');
  const outrigger = Number(/below (\d+)/.exec(terminal.stdout)?.[1]);
  // Of two signals at the same moment the system delivers one: the program is to be done with its own by then.
  process.kill(outrigger, 'SIGSTOP');
  terminal.child.stdin!.write('\x03');
  await terminal.says('got SIGINT');
  process.kill(outrigger, 'SIGCONT');
  // A SIGINT that was passed on would be there before this: both take the same way.
  process.kill(outrigger, 'SIGUSR2');
  await terminal.says('got SIGUSR2');
  assert.equal(terminal.stdout.match(/got SIGINT/g)?.length, 1);
  await eventually('it has ended', () => terminal.end !== null);
  assert.equal(terminal.end, 42);
});
