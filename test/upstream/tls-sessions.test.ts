import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TlsSessions } from '../../src/upstream/tls-sessions.ts';

const HOUR_MS = 3_600_000;
const [one, two] = [Buffer.from('one'), Buffer.from('two')];

test('the last session of a destination is the one that is used, and only there', () => {
  const sessions = new TlsSessions();
  sessions.keep('a', one, false, 0);
  sessions.keep('a', two, false, 1);

  assert.equal(sessions.take('a', 2), two);
  assert.equal(sessions.take('a', 3), two, 'a session may be used again');
  assert.equal(sessions.take('b', 3), null);
  sessions.forget('a');
  assert.equal(sessions.take('a', 4), null);
});

test('the certificate is seen again within an hour, however often the session is renewed', () => {
  const sessions = new TlsSessions();
  sessions.keep('a', one, false, 0);
  sessions.keep('a', two, true, HOUR_MS - 1);
  assert.equal(sessions.take('a', HOUR_MS - 1), two);
  assert.equal(sessions.take('a', HOUR_MS), null);

  sessions.keep('a', one, true, HOUR_MS + 1);
  assert.equal(
    sessions.take('a', HOUR_MS + 1),
    null,
    'a ticket of a connection that is older than what is known',
  );
});

test('256 sessions are remembered; the one that was renewed least recently goes', () => {
  const sessions = new TlsSessions();
  for (let index = 0; index < 256; index += 1) sessions.keep(`d${index}`, one, false, 0);
  sessions.keep('d0', two, false, 1);
  sessions.keep('new', one, false, 2);

  assert.equal(sessions.size, 256);
  assert.equal(sessions.take('d0', 3), two);
  assert.equal(sessions.take('d1', 3), null);
});
