import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { withoutProgram } from '../rig/command-client.ts';
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

test('a request to drain is a SIGTERM for the program', async (t) => {
  const script = `
    process.on('SIGTERM', () => { console.log('got SIGTERM'); process.exit(0); });
    setInterval(() => {}, 1000);
    fetch('http://' + process.env.OUTRIGGER_ADMIN + '/drain', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-outrigger-admin': '1' },
    });
  `;
  const { code, stdout } = await startExec(t, nodeScript(script)).finished;
  assert.deepEqual([code, stdout], [0, 'got SIGTERM\n']);
});

test('a defect of the sidecar ends the program too, and the code is 1', async (t) => {
  const defect = `if (process.argv.includes('exec')) process.on('SIGCONT', () => { throw new Error('as if') })`;
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(defect)}` };
  for (const [script, ends] of [
    [
      listener.replace('setInterval', `process.on('SIGTERM', () => process.exit(0)); setInterval`),
      'by itself',
    ],
    [stubborn, 'because it is killed'],
  ] as const) {
    const started = startExec(t, nodeScript(script), { env });
    const pid = await running(t, started);
    started.child.kill('SIGCONT');
    const { code, stderr } = await started.finished;
    assert.equal(code, 1, ends);
    assert.match(stderr, /"event":"process\.defect".*as if/);
    assert.equal(isRunning(pid), false, ends);
  }
});

test('the standard streams of the program stay as programs expect them: they wait', {
  skip: withoutProgram('python3'),
}, async (t) => {
  // Not Node: it makes its own streams not wait.
  const script = `
import fcntl, os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
print('ready', os.getpid(), flush=True)
signal.sigwait({signal.SIGUSR1})
print([bool(fcntl.fcntl(stream, fcntl.F_GETFL) & os.O_NONBLOCK) for stream in (1, 2)])
`;
  const started = startExec(t, ['/usr/bin/env', 'python3', '-c', script], {
    env: { PATH: process.env['PATH'] ?? '' },
  });
  await running(t, started);
  // By this the sidecar writes to standard error while the program runs.
  started.child.kill('SIGHUP');
  await started.untilWritten(/SIGHUP/);
  started.child.kill('SIGUSR1');
  const { stdout } = await started.finished;
  assert.match(stdout, /\[False, False\]\n$/);
});

const withoutPidNamespaces = ((): string | false => {
  const { error, status } = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']);
  return error === undefined && status === 0 ? false : 'needs root and namespaces of processes';
})();

test('as the first process of a container it passes SIGTERM on, serves, and ends with the code of the program', {
  skip: withoutPidNamespaces,
}, async (t) => {
  const inside = [process.execPath, launcher, 'exec', ...anyPorts, '--', ...nodeScript(orderly)];
  const container = new Program(t, 'unshare', ['--pid', '--fork', '--mount-proc', '--kill-child', ...inside]);
  await container.says('ready');
  const { pid } = container.child;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  assert.equal(children.length, 1);
  assert.match(readFileSync(`/proc/${children[0]}/status`, 'utf8'), /^NSpid:\s+\d+\s+1$/m);
  process.kill(Number(children[0]), 'SIGTERM');
  assert.equal(await container.over(), 5);
  assert.match(container.stdout, /the sidecar says 200/);
});

for (const how of ['by SIGHUP', 'when its file has changed'] as const) {
  test(`the sidecar reads its configuration again ${how}, and the program hears nothing of it`, async (t) => {
    const config = { log: { level: 'info' } };
    const file = configFile(t, config);
    const started = startExec(t, nodeScript(listener), { flags: ['-c', file] });
    await running(t, started);
    writeFileSync(file, JSON.stringify({ ...config, upstreams: { added: { endpoints: ['127.0.0.1:9'] } } }));
    if (how === 'by SIGHUP') started.child.kill('SIGHUP');
    await started.untilWritten(/"event":"config\.reloaded","result":"succeeded"[^\n]*added/);
    started.child.kill('SIGUSR2');
    const { stdout } = await started.finished;
    assert.doesNotMatch(stdout, /SIGHUP/);
  });
}
