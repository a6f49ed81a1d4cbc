import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BodyRecord, ReplayPool } from '../../src/proxy/body-record.ts';

const toldBy = (record: BodyRecord): string => {
  const chunks: Buffer[] = [];
  record.tell({ bodyData: (chunk) => chunks.push(chunk), bodyEnd: () => {} });
  return Buffer.concat(chunks).toString('latin1');
};

test('what came in pieces of any size is told again as it came', () => {
  const record = new BodyRecord(new ReplayPool(1_000_000), 65_536, -1);
  let sent = '';
  for (const size of [1, 8191, 2, 20_000, 8192, 1]) {
    const piece = String.fromCharCode(97 + (sent.length % 26)).repeat(size);
    sent += piece;
    assert.equal(record.append(Buffer.from(piece, 'latin1')), null);
  }
  assert.equal(toldBy(record), sent);
  assert.equal(toldBy(record), sent);
});

test('content in single bytes holds no more memory than the blocks it fills', () => {
  const pool = new ReplayPool(1_000_000);
  const record = new BodyRecord(pool, 65_536, -1);
  for (let i = 0; i < 10_000; i += 1) record.append(Buffer.from('x'));
  assert.equal(pool.usedBytes, 2 * 8192);
});

test('content of a known length holds just that', () => {
  const pool = new ReplayPool(1_000_000);
  const record = new BodyRecord(pool, 65_536, 5000);
  record.append(Buffer.alloc(3000));
  record.append(Buffer.alloc(2000));
  assert.equal(pool.usedBytes, 5000);
});

test('a piece that is recorded does not keep the packet that it came in', () => {
  const record = new BodyRecord(new ReplayPool(1_000_000), 65_536, -1);
  const packet = Buffer.from('abcdef');
  record.append(packet.subarray(0, 3));
  packet.fill('z');
  assert.equal(toldBy(record), 'abc');
});

test('one byte over the limit is too much', () => {
  const record = new BodyRecord(new ReplayPool(1_000_000), 10, -1);
  assert.equal(record.append(Buffer.alloc(10)), null);
  assert.equal(record.append(Buffer.alloc(1)), 'body_too_large');
});

test('a pool that is used up says so, and clearing gives all of it back', () => {
  const pool = new ReplayPool(10_000);
  const first = new BodyRecord(pool, 65_536, 9000);
  const second = new BodyRecord(pool, 65_536, 9000);
  assert.equal(first.append(Buffer.alloc(100)), null);
  assert.equal(second.append(Buffer.alloc(100)), 'replay_full');
  second.clear();
  first.clear();
  assert.equal(pool.usedBytes, 0);
});
