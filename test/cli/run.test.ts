import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import type { Owner } from '../rig/owner.ts';
import { Program } from '../rig/program.ts';
import { launcher, OutriggerProcess, outrigger } from './outrigger-process.ts';

const anyPorts = ['--egress', '127.0.0.1:0', '--admin', '127.0.0.1:0'];

const running = async (t: Owner, env: Readonly<Record<string, string>> = {}): Promise<OutriggerProcess> => {
  const sidecar = new OutriggerProcess(['run', ...anyPorts], env);
  t.after(() => sidecar.child.kill('SIGKILL'));
  await sidecar.untilWritten(/process\.started/);
  return sidecar;
};

test('SIGTERM drains and ends with code 0', async (t) => {
  const sidecar = await running(t);
  sidecar.child.kill('SIGTERM');
  assert.equal((await sidecar.finished).code, 0);
});

test('a second signal does not wait: code 1 and one line', async (t) => {
  const sidecar = await running(t);
  sidecar.child.kill('SIGTERM');
  await sidecar.untilWritten(/process\.draining/);
  sidecar.child.kill('SIGINT');
  const { code, stderr } = await sidecar.finished;
  assert.equal(code, 1);
  assert.match(stderr, /^outrigger: SIGINT while draining[^\n]*\n$/);
});

test('without a configuration file SIGHUP is answered with a line, and the sidecar goes on', async (t) => {
  const sidecar = await running(t);
  sidecar.child.kill('SIGHUP');
  await sidecar.untilWritten(/outrigger: SIGHUP: not reloaded: there is no configuration file[^\n]*\n/);
  assert.equal(sidecar.child.exitCode, null);
});

test('SIGUSR1 opens no debugger, and neither SIGUSR2 nor SIGPIPE ends the sidecar', async (t) => {
  const sidecar = await running(t, { NODE_OPTIONS: '--inspect-port=0' });
  for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGPIPE'] as const) sidecar.child.kill(signal);
  sidecar.child.kill('SIGTERM');
  const { code, stderr } = await sidecar.finished;
  assert.deepEqual([code, stderr], [0, '']);
});

test('SIGQUIT is left to the system, which ends the process at once', async (t) => {
  // Nobody wants the core that it would leave otherwise.
  const command = 'ulimit -c 0; exec "$0" "$@"';
  const sidecar = new Program(t, 'sh', ['-c', command, process.execPath, launcher, 'run', ...anyPorts]);
  await sidecar.says('process.started');
  sidecar.child.kill('SIGQUIT');
  assert.equal(await sidecar.over(), 'SIGQUIT');
});

test('a port in use is one line that names the port and the flag, with code 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.after(() => other.close());
  const address = other.address();
  assert.ok(address !== null && typeof address === 'object');
  const taken = `127.0.0.1:${address.port}`;
  for (const flag of ['--egress', '--admin']) {
    const { code, stderr } = await outrigger(['run', ...anyPorts, flag, taken]);
    assert.equal(code, 1);
    assert.match(stderr, /^outrigger: [^\n]+\n$/);
    assert.ok(stderr.includes(String(address.port)) && stderr.includes(flag), stderr);
  }
});
