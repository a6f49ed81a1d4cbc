import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseListenAddress } from '../../src/config/addresses.ts';
import { BoundPorts, type Listener } from '../../src/config/bound-ports.ts';

const listener = (text: string): Listener => {
  const address = parseListenAddress(text);
  assert.ok(address !== null, text);
  return { path: [text], address };
};

const portsWith = (...texts: readonly string[]): BoundPorts => {
  const ports = new BoundPorts();
  for (const text of texts) ports.add(listener(text));
  return ports;
};

test('two listeners collide on the same address, and on a wildcard that covers the other', () => {
  for (const [a, b, collide] of [
    ['127.0.0.1:80', '127.0.0.1:80', true],
    ['0.0.0.0:80', '127.0.0.1:80', true],
    ['[::]:80', '127.0.0.1:80', true],
    ['[::]:80', '0.0.0.0:80', true],
    ['localhost:80', '[::1]:80', true],
    ['[::ffff:127.0.0.1]:80', '127.0.0.1:80', true],
    ['127.0.0.1:80', '127.0.0.2:80', false],
    ['0.0.0.0:80', '[::1]:80', false],
    ['127.0.0.1:80', '127.0.0.1:81', false],
    ['127.0.0.1:0', '127.0.0.1:0', false],
  ] as const) {
    assert.equal(portsWith(a).add(listener(b)) !== undefined, collide, `${a} ${b}`);
    assert.equal(portsWith(b).add(listener(a)) !== undefined, collide, `${b} ${a}`);
  }
});

test('the listener that was there first is the one that is named', () => {
  const ports = portsWith('127.0.0.2:80', '127.0.0.1:80');
  assert.deepEqual(ports.add(listener('0.0.0.0:80'))?.path, ['127.0.0.2:80']);
});

test('a listener is reached by its own address, and a wildcard by every loopback one', () => {
  for (const [dialled, port, listening, isReached] of [
    ['127.0.0.1', 80, 'localhost:80', true],
    ['localhost', 80, '127.0.0.1:80', true],
    ['127.0.0.5', 80, '0.0.0.0:80', true],
    ['::1', 80, '[::]:80', true],
    ['0.0.0.0', 80, '127.0.0.1:80', true],
    ['10.0.0.1', 80, '0.0.0.0:80', false],
    ['127.0.0.1', 81, '127.0.0.1:80', false],
    ['127.0.0.1', 0, '127.0.0.1:0', false],
  ] as const) {
    assert.equal(portsWith(listening).reachedBy(dialled, port) !== undefined, isReached, dialled);
  }
});
