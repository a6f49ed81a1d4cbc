import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fallbackWords } from '../../src/config/fallback-words.ts';
import { Fallback, noFallback } from '../../src/policy/fallback.ts';
import type { FallbackSettings } from '../../src/policy/policies.ts';
import { type Reason, reasons } from '../../src/policy/reason.ts';

const settings: FallbackSettings = {
  on: ['circuit_open', 'timeout'],
  status: 200,
  headers: {},
  body: new Uint8Array(),
  concurrency: 10,
};

const allReasons = Object.keys(reasons) as Reason[];

/** Every word that makes the fallback answer for a reason, of all that anyone could think of. */
const wordsFor = (reason: Reason): string[] =>
  ['connect-failure', 'timeout', ...allReasons].filter(
    (word) => new Fallback({ ...settings, on: [word] }).peek(reason) === 'served',
  );

/** Nobody stands in for these: the request is wrong, it found no upstream, or the client is not there any more. */
const none: readonly string[] = [];

const selectedBy: Readonly<Record<Reason, readonly string[]>> = {
  dns_error: ['connect-failure', 'dns_error'],
  dns_timeout: ['connect-failure', 'timeout', 'dns_timeout'],
  connect_refused: ['connect-failure', 'connect_refused'],
  connect_failed: ['connect-failure', 'connect_failed'],
  connect_timeout: ['connect-failure', 'timeout', 'connect_timeout'],
  tls_certificate_error: ['connect-failure', 'tls_certificate_error'],
  tls_protocol_error: ['connect-failure', 'tls_protocol_error'],
  tls_alert_received: ['connect-failure', 'tls_alert_received'],
  prohibited_address: ['prohibited_address'],
  reset: ['reset'],
  protocol_error: ['protocol_error'],
  response_head_too_large: ['response_head_too_large'],
  response_transfer_coding: ['response_transfer_coding'],
  response_incomplete: ['response_incomplete'],
  upgrade_failed: ['upgrade_failed'],
  upstream_status: ['upstream_status'],
  attempt_timeout: ['timeout', 'attempt_timeout'],
  total_timeout: ['timeout', 'total_timeout'],
  idle_timeout: ['timeout', 'idle_timeout'],
  body_timeout: ['timeout', 'body_timeout'],
  circuit_open: ['circuit_open'],
  bulkhead_full: ['bulkhead_full'],
  queue_timeout: ['queue_timeout'],
  pool_exhausted: ['pool_exhausted'],
  out_of_resources: ['out_of_resources'],
  no_endpoint: ['no_endpoint'],
  too_many_destinations: none,
  unlisted_destination: none,
  no_route: none,
  proxy_loop: none,
  tls_needed: none,
  not_http: none,
  too_many_tunnels: none,
  upgrade_unsupported: none,
  bad_request: none,
  method_not_allowed: none,
  request_timeout: none,
  body_too_large: none,
  target_too_long: none,
  expectation_failed: none,
  head_too_large: none,
  not_implemented: none,
  version_unsupported: none,
  too_many_connections: none,
  client_gone: none,
};

for (const reason of allReasons) {
  const words = selectedBy[reason];
  test(`${reason} is answered for by ${words.length === 0 ? 'no word' : words.join(', ')}`, () => {
    assert.deepEqual(wordsFor(reason), words);
    assert.equal(fallbackWords.includes(reason), words.includes(reason), 'as the configuration has it');
  });
}

test('it answers for every word of its list, and for nothing without one', () => {
  const fallback = new Fallback({ ...settings, on: ['bulkhead_full', 'connect-failure'] });
  const answered = allReasons.filter((reason) => fallback.peek(reason) === 'served');
  assert.deepEqual(answered, [
    'dns_error',
    'dns_timeout',
    'connect_refused',
    'connect_failed',
    'connect_timeout',
    'tls_certificate_error',
    'tls_protocol_error',
    'tls_alert_received',
    'bulkhead_full',
  ]);
  assert.equal(new Fallback({ ...settings, on: [] }).peek('circuit_open'), 'none');
});

test('with a concurrency of one a second one at the same time finds it full, and a later one is served', () => {
  const fallback = new Fallback({ ...settings, concurrency: 1 });
  assert.equal(fallback.enter('circuit_open'), 'served');
  assert.equal(fallback.enter('circuit_open'), 'full');
  assert.equal(fallback.peek('circuit_open'), 'full');
  assert.equal(fallback.enter('bulkhead_full'), 'none', 'not meant comes before full');
  assert.equal(fallback.inUse, 1, 'who was not served holds nothing');

  fallback.leave();

  assert.equal(fallback.enter('circuit_open'), 'served');
});

test('looking takes no place', () => {
  const fallback = new Fallback({ ...settings, concurrency: 1 });
  assert.equal(fallback.peek('circuit_open'), 'served');
  assert.equal(fallback.peek('circuit_open'), 'served');
  assert.equal(fallback.inUse, 0);
});

test('ending one that was not served is a defect', () => {
  const fallback = new Fallback(settings);
  fallback.enter('circuit_open');
  fallback.leave();
  assert.throws(() => fallback.leave(), /ended twice/);
  assert.throws(() => noFallback.leave(), /never served/);
});

test('without a fallback nothing is answered', () => {
  assert.equal(noFallback.peek('circuit_open'), 'none');
  assert.equal(noFallback.enter('circuit_open'), 'none');
});
