import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { unlessDefect, untilDefect } from '../../src/cli/defects.ts';
import { OutriggerProcess } from './outrigger-process.ts';

test('after a defect the program drains once, notes all, and the code is 1', async () => {
  const noted: unknown[] = [];
  let drains = 0;
  const source = new EventEmitter();
  const { promise, resolve } = Promise.withResolvers<void>();
  const app = {
    noteDefect: (error: unknown) => noted.push(error),
    drain: () => {
      drains += 1;
      return promise;
    },
  };
  const code = untilDefect(source, app);

  source.emit('uncaughtException', 'one');
  source.emit('uncaughtException', 'two');
  resolve();

  assert.equal(await code, 1);
  assert.deepEqual(noted, ['one', 'two']);
  assert.equal(drains, 1);
});

test('a process that was ending anyway when the defect came ends with code 1 too', async () => {
  const source = new EventEmitter();
  const stopped = Promise.withResolvers<0>();
  const code = unlessDefect(
    source,
    { noteDefect() {}, drain: () => stopped.promise.then(() => {}) },
    stopped.promise,
  );

  source.emit('uncaughtException', 'one');
  stopped.resolve(0);

  assert.equal(await code, 1);
});

test('without a defect it ends as it was stopped', async () => {
  const stopped = Promise.resolve(0 as const);
  assert.equal(
    await unlessDefect(new EventEmitter(), { noteDefect() {}, drain: () => Promise.resolve() }, stopped),
    0,
  );
});

test('a process with a defect says so in its log, turns readiness off and ends with code 1', async (t) => {
  const defect = "process.on('SIGUSR2', () => { throw new Error('as if') })";
  const sidecar = new OutriggerProcess(['run', '--egress', '127.0.0.1:0', '--admin', '127.0.0.1:0'], {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(defect)}`,
  });
  t.after(() => sidecar.child.kill('SIGKILL'));
  await sidecar.untilWritten(/process\.started/);

  sidecar.child.kill('SIGUSR2');

  const { code, stdout, stderr } = await sidecar.finished;
  assert.equal(code, 1);
  assert.match(stdout, /"event":"process\.defect".*as if/);
  assert.match(stdout, /process\.draining/);
  assert.equal(stderr, '');
});
