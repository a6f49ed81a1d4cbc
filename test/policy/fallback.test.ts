import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fallbackWords } from '../../src/config/fallback-words.ts';
import { Fallback, noFallback } from '../../src/policy/fallback.ts';
import type { FallbackSettings } from '../../src/policy/policies.ts';
import { type Reason, reasons } from '../../src/policy/reason.ts';

const settings: FallbackSettings = {
  on: ['circuit_open', 'timeout'],
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: Buffer.from('{"ratings":[]}'),
  concurrency: 10,
};

const answered = (on: readonly string[]): Reason[] => {
  const fallback = new Fallback({ ...settings, on, concurrency: 1000 });
  return (Object.keys(reasons) as Reason[]).filter((reason) => fallback.tryServe(reason) !== null);
};

test('it answers with what is configured', () => {
  const { status, headers, body } = settings;
  assert.deepEqual(new Fallback(settings).tryServe('circuit_open'), { status, headers, body });
});

test('it answers for the reasons that are listed and no others', () => {
  assert.deepEqual(answered(['circuit_open', 'bulkhead_full']), ['circuit_open', 'bulkhead_full']);
  assert.deepEqual(answered([]), []);
});

test('"timeout" stands for every timeout, "connect-failure" for every failure to connect', () => {
  const timeouts = (Object.keys(reasons) as Reason[]).filter((reason) => reasons[reason].isTimeout);
  assert.deepEqual(answered(['timeout']), timeouts);
  assert.deepEqual(answered(['connect-failure']), [
    'dns_error',
    'dns_timeout',
    'connect_refused',
    'connect_failed',
    'connect_timeout',
  ]);
});

test('every word that the configuration allows has an effect, and none answers a client that left', () => {
  for (const condition of fallbackWords) assert.notEqual(answered([condition]).length, 0, condition);
  assert.ok(!answered(fallbackWords).includes('client_gone'));
  assert.deepEqual(answered(['client_gone']), []);
});

test('with a concurrency of one a second fallback at the same time is refused, and a later one served', () => {
  const fallback = new Fallback({ ...settings, concurrency: 1 });
  fallback.tryServe('circuit_open');
  assert.equal(fallback.tryServe('circuit_open'), 'full');
  assert.equal(fallback.tryServe('bulkhead_full'), null, 'not meant comes before full');
  fallback.done();
  assert.notEqual(fallback.tryServe('circuit_open'), 'full');
});

test('ending one that was not served is a defect', () => {
  const fallback = new Fallback(settings);
  fallback.tryServe('circuit_open');
  fallback.done();
  assert.throws(() => fallback.done(), /ended twice/);
  assert.throws(() => noFallback.done(), /never served/);
});

test('without a fallback nothing is answered', () => {
  assert.equal(noFallback.tryServe('circuit_open'), null);
});
