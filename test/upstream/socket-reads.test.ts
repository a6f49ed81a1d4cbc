import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SocketReads } from '../../src/upstream/socket-reads.ts';

/** Plays the part of the socket: fills the buffer that it is given, as the system would. */
const reading = (isFree: () => boolean) => {
  const reads = new SocketReads();
  const heard: { readonly bytes: Buffer; readonly isOwned: boolean }[] = [];
  reads.listener = (bytes, length, isOwned) => {
    heard.push({ bytes: bytes.subarray(0, length), isOwned });
    return isFree();
  };
  const nextBuffer = (): Buffer => (reads.onread.buffer as () => Buffer)();
  const read = (length: number, byte: number): Buffer => {
    const buffer = nextBuffer();
    buffer.fill(byte, 0, length);
    reads.onread.callback(length, buffer);
    return buffer;
  };
  return { heard, read, nextBuffer };
};

test('small reads share one buffer with all other sockets', () => {
  const one = reading(() => true);
  const other = reading(() => true);
  assert.equal(one.read(100, 1), other.read(100, 2));
  assert.equal(one.heard[0]!.isOwned, false);
});

test('bulk is the listener’s own: what other sockets read does not touch it', () => {
  const one = reading(() => false);
  const other = reading(() => true);
  for (let i = 0; i < 3; i += 1) one.read(60_000, 10 + i);
  other.read(60_000, 99);
  for (const [i, { bytes, isOwned }] of one.heard.entries()) {
    assert.equal(isOwned, true);
    assert.ok(
      bytes.every((byte) => byte === 10 + i),
      `read ${i}`,
    );
  }
});

test('a buffer for bulk is used again when the listener is done with it, and not before', () => {
  let isFree = true;
  const { read, nextBuffer } = reading(() => isFree);
  read(60_000, 1);
  const own = read(60_000, 2);
  assert.equal(nextBuffer(), own);
  isFree = false;
  read(60_000, 3);
  assert.notEqual(nextBuffer(), own);
});

test('a socket that brings small answers again gives its buffer up', () => {
  const { read, nextBuffer } = reading(() => true);
  const shared = read(60_000, 1);
  assert.notEqual(nextBuffer(), shared);
  for (let i = 0; i < 16; i += 1) read(100, 2);
  assert.equal(nextBuffer(), shared);
});
