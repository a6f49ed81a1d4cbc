import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { isInForeground, RelayedSignals } from '../../src/cli/relayed-signals.ts';

const setUp = () => {
  const source = new EventEmitter();
  const received: NodeJS.Signals[] = [];
  const state = { isInForeground: false, reloads: 0 };
  const signals = new RelayedSignals({
    source,
    isInForeground: () => state.isInForeground,
    onReload: () => {
      state.reloads += 1;
    },
  });
  const receive = (signal: NodeJS.Signals): void => {
    received.push(signal);
  };
  const send = (...names: NodeJS.Signals[]): void => {
    for (const name of names) source.emit(name, name);
  };
  return { source, received, state, signals, receive, send };
};

test('signals go on in their order, as often as they come', () => {
  const { signals, receive, received, send } = setUp();
  signals.relayTo(receive);
  const all: NodeJS.Signals[] = ['SIGUSR1', 'SIGTERM', 'SIGUSR2', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGINT'];
  send(...all);
  assert.deepEqual(received, all);
});

test('what comes before there is somebody to pass it to waits for him', () => {
  const { signals, receive, received, send, state } = setUp();
  // Nobody but us can have got it yet.
  state.isInForeground = true;
  send('SIGINT', 'SIGTERM');
  signals.relayTo(receive);
  assert.deepEqual(received, ['SIGINT', 'SIGTERM']);
});

test('in the foreground of a terminal its keys are not sent a second time, and everything else is passed on', () => {
  const { signals, receive, received, send, state } = setUp();
  signals.relayTo(receive);
  state.isInForeground = true;
  send('SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1');
  assert.deepEqual(received, ['SIGTERM', 'SIGUSR1']);
  state.isInForeground = false;
  send('SIGINT');
  assert.deepEqual(received, ['SIGTERM', 'SIGUSR1', 'SIGINT']);
});

test('SIGHUP is for the sidecar alone', () => {
  const { signals, receive, received, send, state } = setUp();
  signals.relayTo(receive);
  send('SIGHUP', 'SIGHUP');
  assert.deepEqual([received, state.reloads], [[], 2]);
});

test('after closing nobody listens', () => {
  const { signals, source } = setUp();
  signals.close();
  assert.deepEqual(source.eventNames(), []);
});

test('the foreground is read from the process itself, whatever its name', () => {
  const stat = (group: number, foreground: number) => () =>
    `17 (a) 1 (b) c) S 1 ${group} 17 34816 ${foreground} 4194560 0 0`;
  assert.equal(isInForeground(stat(17, 17)), true);
  assert.equal(isInForeground(stat(17, 99)), false);
  assert.equal(isInForeground(stat(17, -1)), false);
});
