import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { untilStopped } from '../../src/cli/stop-signals.ts';

/** An app whose drain ends when the test says so. */
const slowApp = () => {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const calls: string[] = [];
  const request = Promise.withResolvers<void>();
  const app = {
    drainRequested: request.promise,
    drain: () => {
      calls.push('drain');
      return promise;
    },
    close: async () => {
      calls.push('close');
    },
  };
  return { app, calls, requestDrain: request.resolve, drained: resolve, fail: reject };
};

test('the first signal drains, then closes, then the code is 0', async () => {
  const { app, calls, drained } = slowApp();
  const source = new EventEmitter();
  const code = untilStopped(source, app, () => {});
  source.emit('SIGTERM', 'SIGTERM');
  assert.deepEqual(calls, ['drain']);
  drained();
  assert.equal(await code, 0);
  assert.deepEqual(calls, ['drain', 'close']);
  assert.deepEqual(source.eventNames(), []);
});

test('the second signal ends at once with code 1', async () => {
  const { app } = slowApp();
  const source = new EventEmitter();
  const lines: string[] = [];
  const code = untilStopped(source, app, (line) => lines.push(line));
  source.emit('SIGINT', 'SIGINT');
  source.emit('SIGTERM', 'SIGTERM');
  assert.equal(await code, 1);
  assert.equal(lines.length, 1);
});

test('a SIGTERM after a request to drain is the first one: it waits, and the code is 0', async () => {
  const { app, calls, requestDrain, drained } = slowApp();
  const source = new EventEmitter();
  const code = untilStopped(source, app, assert.fail);
  requestDrain();
  await app.drainRequested;
  source.emit('SIGTERM', 'SIGTERM');
  drained();
  assert.equal(await code, 0);
  assert.deepEqual(calls, ['drain', 'close']);
});

test('SIGHUP never ends anything', () => {
  const { app, calls } = slowApp();
  const source = new EventEmitter();
  const lines: string[] = [];
  untilStopped(source, app, (line) => lines.push(line));
  source.emit('SIGHUP', 'SIGHUP');
  source.emit('SIGHUP', 'SIGHUP');
  assert.equal(lines.length, 2);
  assert.deepEqual(calls, []);
});

test('a defect while draining is not swallowed', async () => {
  const { app, fail } = slowApp();
  const source = new EventEmitter();
  const code = untilStopped(source, app, () => {});
  source.emit('SIGTERM', 'SIGTERM');
  fail(new Error('defect'));
  await assert.rejects(code, /defect/);
});
