import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectFault, dnsFault, isAbsence, resetFault } from '../../src/upstream/faults.ts';

const systemError = (code: string): Error => Object.assign(new Error(`text of ${code}`), { code });

const connectRows = [
  ['ECONNREFUSED', 'connect_refused'],
  ['ENOENT', 'connect_refused'],
  ['EHOSTUNREACH', 'connect_failed'],
  ['ENETUNREACH', 'connect_failed'],
  ['EADDRNOTAVAIL', 'connect_failed'],
  ['EACCES', 'connect_failed'],
  ['EMFILE', 'connect_failed'],
  ['ETIMEDOUT', 'connect_timeout'],
] as const;

for (const [code, reason] of connectRows) {
  test(`a connect that ends in ${code} is ${reason}, with nothing sent`, () => {
    const fault = connectFault(systemError(code));
    assert.equal(fault.reason, reason);
    assert.equal(fault.isUnsent, true);
    assert.equal(fault.detail, code);
  });
}

test('a lost connection is a reset, and says whether anything was sent', () => {
  const sent = resetFault(systemError('EPIPE'), false);
  assert.deepEqual([sent.reason, sent.isUnsent, sent.detail], ['reset', false, 'EPIPE']);
  const unsent = resetFault(systemError('ECONNRESET'), true);
  assert.deepEqual([unsent.reason, unsent.isUnsent, unsent.detail], ['reset', true, 'ECONNRESET']);
});

test('a connection that the peer closed in order has no code of the system', () => {
  assert.equal(resetFault(null, false).detail, 'EOF');
});

test('text of an error never becomes a detail', () => {
  assert.equal(connectFault(new Error('from the peer')).detail, 'UNKNOWN');
  assert.equal(resetFault(Object.assign(new Error(), { code: 'not a\r\ncode' }), false).detail, 'UNKNOWN');
  assert.equal(connectFault('a string').detail, 'UNKNOWN');
});

const dnsRows = [
  ['ENOTFOUND', 'dns_error', 'NXDOMAIN', true],
  ['ENODATA', 'dns_error', 'NODATA', true],
  ['ESERVFAIL', 'dns_error', 'SERVFAIL', false],
  ['EREFUSED', 'dns_error', 'REFUSED', false],
  ['ECONNREFUSED', 'dns_error', 'ECONNREFUSED', false],
  ['ETIMEOUT', 'dns_timeout', 'ETIMEOUT', false],
  ['EAI_AGAIN', 'dns_timeout', 'EAI_AGAIN', false],
] as const;

for (const [code, reason, detail, absent] of dnsRows) {
  test(`a lookup that ends in ${code} is ${reason} and ${absent ? 'an' : 'no'} answer without addresses`, () => {
    const fault = dnsFault(systemError(code));
    assert.deepEqual([fault.reason, fault.detail, fault.isUnsent], [reason, detail, true]);
    assert.equal(isAbsence(fault), absent);
  });
}
