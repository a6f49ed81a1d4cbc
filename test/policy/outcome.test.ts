import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clientGone,
  failure,
  failureStatus,
  ignoredSuccess,
  rejected,
  success,
} from '../../src/policy/outcome.ts';

test('an outcome says what it is and all that is known of it, and what nobody said is said to be unknown', () => {
  assert.deepEqual(success(0), { kind: 'success', status: 0, isIgnored: false });
  assert.deepEqual(success(599), { kind: 'success', status: 599, isIgnored: false });
  assert.deepEqual(ignoredSuccess(404), { kind: 'success', status: 404, isIgnored: true });
  const unanswered = { kind: 'failure', status: 0, retryAfterMs: -1 };
  assert.deepEqual(failure('reset', false), { ...unanswered, reason: 'reset', isUnsent: false, detail: '' });
  assert.deepEqual(failure('connect_refused', true, 'ECONNREFUSED'), {
    ...unanswered,
    reason: 'connect_refused',
    isUnsent: true,
    detail: 'ECONNREFUSED',
  });
  assert.deepEqual(failureStatus(503, 2000), {
    kind: 'failure',
    reason: 'upstream_status',
    status: 503,
    isUnsent: false,
    retryAfterMs: 2000,
    detail: '',
  });
  const refused = { kind: 'rejected', reason: 'circuit_open' };
  assert.deepEqual(rejected('circuit_open'), { ...refused, retryAfterMs: -1, detail: '' });
  assert.deepEqual(rejected('circuit_open', 3000, 'asleep'), {
    ...refused,
    retryAfterMs: 3000,
    detail: 'asleep',
  });
  assert.deepEqual(clientGone, { kind: 'cancelled', reason: 'client_gone' });
});

test('outcomes that are handed out to many cannot be changed by one', () => {
  for (const shared of [success(200), ignoredSuccess(200), clientGone]) assert.ok(Object.isFrozen(shared));
});
