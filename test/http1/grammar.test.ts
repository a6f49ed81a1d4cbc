import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatAuthority, parseAuthority } from '../../src/http1/grammar.ts';

const accepted: readonly (readonly [text: string, host: string, port: number])[] = [
  ['a', 'a', 0],
  ['Reviews.Shop:80', 'reviews.shop', 80],
  ['reviews.shop.:8080', 'reviews.shop', 8080],
  ['my_service:1', 'my_service', 1],
  ['127.0.0.1:65535', '127.0.0.1', 65535],
  ['[::1]:80', '::1', 80],
  ['[FD00:0:0::5]', 'fd00::5', 0],
  ['[::ffff:127.0.0.1]:80', '::ffff:7f00:1', 80],
];

for (const [text, host, port] of accepted) {
  test(`the authority ${text} names ${host}, port ${port === 0 ? 'unsaid' : port}`, () => {
    const authority = parseAuthority(text);
    assert.deepEqual(authority, { host, port });
    assert.deepEqual(parseAuthority(formatAuthority(authority!)), authority);
  });
}

for (const text of [
  '',
  ':80',
  '.',
  '.a',
  'a b',
  'a/b',
  'u@a',
  'a%20b',
  'a:',
  'a:0',
  'a:65536',
  'a:80x',
  'a:+80',
  '[::1',
  '[::1]x',
  '[1.2.3.4]',
  '[fe80::1%eth0]',
  '::1',
  'ä',
  'a'.repeat(256),
]) {
  test(`"${text.slice(0, 20)}" is no authority`, () => {
    assert.equal(parseAuthority(text), null);
  });
}
