import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { OutriggerProcess, outrigger } from './outrigger-process.ts';

const anyPorts = ['--egress', '127.0.0.1:0', '--admin', '127.0.0.1:0'];

const running = async (t: { after(run: () => void): void }, ...args: string[]): Promise<OutriggerProcess> => {
  const sidecar = new OutriggerProcess(['run', ...anyPorts, ...args]);
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
