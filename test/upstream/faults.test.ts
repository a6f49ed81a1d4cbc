import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  connectFault,
  dialOutcome,
  dnsFault,
  handshakeFault,
  isAbsence,
  resetFault,
} from '../../src/upstream/faults.ts';

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

for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']) {
  test(`a dial for which this machine had nothing left (${code}) is no failure of the upstream`, () => {
    const outcome = dialOutcome(connectFault(systemError(code)));
    assert.deepEqual([outcome.kind, outcome.reason, outcome.detail], ['rejected', 'out_of_resources', code]);
  });
}

test('any other dial that failed is one', () => {
  const refused = connectFault(systemError('ECONNREFUSED'));
  assert.equal(dialOutcome(refused), refused);
});

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

const handshakeRows = [
  ['CERT_HAS_EXPIRED', 'tls_certificate_error'],
  ['CERT_REVOKED', 'tls_certificate_error'],
  ['SELF_SIGNED_CERT_IN_CHAIN', 'tls_certificate_error'],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'tls_certificate_error'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', 'tls_certificate_error'],
  ['UNSPECIFIED', 'tls_certificate_error'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls_protocol_error'],
  ['ERR_SSL_UNEXPECTED_MESSAGE', 'tls_protocol_error'],
  ['ERR_OSSL_EVP_UNSUPPORTED', 'tls_protocol_error'],
  ['ECONNRESET', 'tls_protocol_error'],
  ['EPIPE', 'tls_protocol_error'],
  ['not\na code', 'tls_protocol_error'],
  ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', 'tls_alert_received'],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'tls_alert_received'],
  ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', 'tls_alert_received'],
] as const;

for (const [code, reason] of handshakeRows) {
  test(`a handshake that ends in ${JSON.stringify(code)} is ${reason}, with nothing sent`, () => {
    const fault = handshakeFault(systemError(code), null);
    assert.deepEqual([fault.reason, fault.isUnsent], [reason, true]);
    assert.ok(!fault.detail.includes('text of') && !fault.detail.includes('\n'));
  });
}

test('TLS that breaks after the handshake has its own reason, and says whether anything was sent', () => {
  const alert = resetFault(systemError('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), false);
  assert.deepEqual([alert.reason, alert.isUnsent], ['tls_alert_received', false]);
  const garbled = resetFault(systemError('ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC'), true);
  assert.deepEqual([garbled.reason, garbled.isUnsent], ['tls_protocol_error', true]);
});
