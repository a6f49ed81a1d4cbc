import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Failure, failure, failureStatus } from '../../src/policy/outcome.ts';
import type { RetryCondition, RetrySettings } from '../../src/policy/policies.ts';
import type { FailureReason } from '../../src/policy/reason.ts';
import {
  type FailedAttempt,
  isIdempotentMethod,
  type RetryDecision,
  RetryPolicy,
} from '../../src/policy/retry.ts';
import { defaultPolicy } from '../rig/default-policy.ts';
import { emptyBudget, firstGet, fullBudget } from './retry-rig.ts';

const defaults = defaultPolicy.retry;

const half = () => 0.5;

const decide = (
  attempt: Partial<FailedAttempt>,
  settings: Partial<RetrySettings> = {},
  budget = fullBudget(),
): RetryDecision =>
  new RetryPolicy({ ...defaults, ...settings }).decide({ ...firstGet, ...attempt }, budget, half);

const word = (decision: RetryDecision): string =>
  decision.kind === 'retry' ? 'retry' : (decision.skip ?? 'stop');

const unsent = (reason: FailureReason): Failure => failure(reason, true);
const sent = (reason: FailureReason): Failure => failure(reason, false);
const status = (code: number, retryAfterMs = -1): Failure => failureStatus(code, retryAfterMs);
/** What the row's failure needs in `retry.on` beside the defaults; `not asked for`: without the defaults. */
type Asked = RetryCondition | 'by default' | 'not asked for';

const settingsFor = (asked: Asked): Partial<RetrySettings> => {
  if (asked === 'by default') return {};
  return { on: asked === 'not asked for' ? [] : [...defaults.on, asked] };
};

/** Evidence, the word in `retry.on` | a method that is not idempotent | one that is, or with `Idempotency-Key`. */
const table: readonly [string, Failure, Asked, string, string][] = [
  // Nothing was sent: any method.
  ['name not found', unsent('dns_error'), 'by default', 'retry', 'retry'],
  ['name servers silent', unsent('dns_timeout'), 'by default', 'retry', 'retry'],
  ['connect refused', unsent('connect_refused'), 'by default', 'retry', 'retry'],
  ['connect failed', unsent('connect_failed'), 'by default', 'retry', 'retry'],
  ['connect timeout', unsent('connect_timeout'), 'by default', 'retry', 'retry'],
  ['certificate refused', unsent('tls_certificate_error'), 'by default', 'retry', 'retry'],
  ['handshake failed', unsent('tls_protocol_error'), 'by default', 'retry', 'retry'],
  ['alert in the handshake', unsent('tls_alert_received'), 'by default', 'retry', 'retry'],
  ['connect refused', unsent('connect_refused'), 'not asked for', 'stop', 'stop'],
  ['kept connection reset, nothing written', unsent('reset'), 'by default', 'retry', 'retry'],
  // It may have been processed: idempotent only.
  ['reset, request written', sent('reset'), 'by default', 'not_idempotent', 'retry'],
  ['reset, request written', sent('reset'), 'not asked for', 'stop', 'stop'],
  [
    'alert after the handshake, request written',
    sent('tls_alert_received'),
    'by default',
    'not_idempotent',
    'retry',
  ],
  ['502', status(502), 'by default', 'not_idempotent', 'retry'],
  ['503', status(503), 'by default', 'not_idempotent', 'retry'],
  ['503 with Retry-After', status(503, 100), 'by default', 'not_idempotent', 'retry'],
  ['504', status(504), 'by default', 'not_idempotent', 'retry'],
  ['503', status(503), 'not asked for', 'stop', 'stop'],
  // Only where somebody asked for it.
  ['attempt timeout', sent('attempt_timeout'), 'by default', 'stop', 'stop'],
  ['attempt timeout', sent('attempt_timeout'), 'timeout', 'not_idempotent', 'retry'],
  ['attempt timeout, nothing written', unsent('attempt_timeout'), 'timeout', 'retry', 'retry'],
  ['429', status(429), 'by default', 'stop', 'stop'],
  ['429', status(429), 429, 'not_idempotent', 'retry'],
  ['500', status(500), 'by default', 'stop', 'stop'],
  ['500', status(500), 500, 'not_idempotent', 'retry'],
  // The upstream says that it was not processed: any method, where somebody asked for it.
  ['408', status(408), 'by default', 'stop', 'stop'],
  ['408', status(408), 408, 'retry', 'retry'],
  ['421', status(421), 'by default', 'stop', 'stop'],
  ['421', status(421), 421, 'retry', 'retry'],
  ['425', status(425), 'by default', 'stop', 'stop'],
  ['425', status(425), 425, 'retry', 'retry'],
  // Never.
  ['total timeout', sent('total_timeout'), 'timeout', 'stop', 'stop'],
  ['idle timeout', sent('idle_timeout'), 'timeout', 'stop', 'stop'],
  ['prohibited address', unsent('prohibited_address'), 'by default', 'stop', 'stop'],
  ['protocol error', sent('protocol_error'), 'by default', 'stop', 'stop'],
  ['response head too large', sent('response_head_too_large'), 'by default', 'stop', 'stop'],
  ['answer broken off', sent('response_incomplete'), 'reset', 'stop', 'stop'],
];

for (const [evidence, why, asked, other, idempotent] of table) {
  const name = typeof asked === 'number' || asked === 'timeout' ? `with ${asked} in retry.on` : asked;
  test(`${evidence}, ${name}: ${other} for any method, ${idempotent} for an idempotent one`, () => {
    const settings = settingsFor(asked);
    assert.equal(word(decide({ failure: why, isIdempotent: false }, settings)), other);
    assert.equal(word(decide({ failure: why, isIdempotent: true }, settings)), idempotent);
    const trusting = { ...settings, nonIdempotent: true };
    assert.equal(word(decide({ failure: why, isIdempotent: false }, trusting)), idempotent, 'nonIdempotent');
  });
}

test('a request that its sender is repeating is not repeated by us, not even where nothing was sent', () => {
  const marked = { isAlreadyRetried: true };
  for (const why of [unsent('connect_refused'), sent('reset'), status(503)]) {
    assert.equal(word(decide({ ...marked, failure: why })), 'already_retried');
  }
  assert.equal(word(decide({ ...marked, failure: status(500) })), 'stop', 'nobody would have repeated that');
  assert.equal(word(decide({ ...marked, attempt: 3 })), 'stop');
});

test('a 425 goes back to whoever sent the early data, and other failures of it are like any', () => {
  const early = { isEarlyData: true };
  assert.equal(word(decide({ ...early, failure: status(425) }, settingsFor(425))), 'early_data');
  assert.equal(word(decide({ ...early, failure: status(503) }, settingsFor(425))), 'retry');
});

test('which answers let every method go again is known before there is one, so that content is recorded', () => {
  const repeats = (...on: RetryCondition[]): boolean =>
    new RetryPolicy({ ...defaults, on }).repeatsUnprocessed;
  assert.deepEqual(
    [408, 421, 425].map((code) => repeats('reset', code)),
    [true, true, true],
  );
  assert.equal(repeats('connect-failure', 'reset', 429, 503), false);
});

test('attempts count the first one, and no retry is called skipped when they are used up', () => {
  assert.deepEqual(
    [1, 2, 3].map((attempt) => word(decide({ attempt }))),
    ['retry', 'retry', 'stop'],
  );
  assert.equal(word(decide({ attempt: 1 }, { attempts: 1 })), 'stop');
});

test('a body that cannot be sent again stops it', () => {
  assert.equal(word(decide({ isReplayable: false })), 'body_too_large');
});

test('the wait is the jittered backoff of this retry', () => {
  assert.deepEqual(decide({ attempt: 1 }), { kind: 'retry', waitMs: 12.5 });
  assert.deepEqual(decide({ attempt: 2 }), { kind: 'retry', waitMs: 25 });
});

test('Retry-After is waited for at least', () => {
  assert.deepEqual(decide({ failure: failureStatus(503, 2000) }), { kind: 'retry', waitMs: 2012.5 });
  assert.deepEqual(decide({ failure: failureStatus(503, 0) }), { kind: 'retry', waitMs: 12.5 });
});

test('nothing is retried past the deadline, nor so close to it that no answer could come', () => {
  assert.equal(word(decide({ failure: failureStatus(503, 2000), remainingMs: 2000 })), 'deadline');
  assert.equal(word(decide({ remainingMs: 17.4 })), 'deadline');
  assert.equal(word(decide({ remainingMs: 17.5 })), 'retry');
  assert.equal(word(decide({ remainingMs: 0 })), 'deadline');
});

test('an empty budget stops it', () => {
  assert.equal(word(decide({}, {}, emptyBudget())), 'budget');
});

test('only a retry that takes place costs a token', () => {
  const budget = fullBudget();
  const before = budget.tokens(0);
  const held: Partial<FailedAttempt>[] = [
    { attempt: 3 },
    { isAlreadyRetried: true },
    { isIdempotent: false },
    { isReplayable: false },
    { remainingMs: 1 },
    { failure: sent('protocol_error') },
  ];
  for (const attempt of held) decide(attempt, {}, budget);
  assert.equal(budget.tokens(0), before);
  decide({}, {}, budget);
  assert.equal(budget.tokens(0), before - 1);
});

test('a status of retry.on is known as such, also where it is no failure', () => {
  const policy = new RetryPolicy({ ...defaults, on: ['reset', 429] });
  assert.deepEqual(
    [429, 503, 200].map((status) => policy.isRetriedStatus(status)),
    [true, false, false],
  );
});

test('idempotent are the methods of RFC 9110, written as they are there', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'])
    assert.ok(isIdempotentMethod(method), method);
  for (const method of ['POST', 'PATCH', 'CONNECT', 'LOCK', 'get', ''])
    assert.ok(!isIdempotentMethod(method), method);
});
