import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Classifier, parseRetryAfter } from '../../src/policy/classify.ts';
import type { FailureSettings } from '../../src/policy/policies.ts';

const defaults: FailureSettings = {
  status: [
    { from: 500, to: 500 },
    { from: 502, to: 504 },
    { from: 506, to: 599 },
  ],
  ignore: [],
};

test('with the defaults 500, 502–504 and 506–599 fail, the rest succeed', () => {
  const classifier = new Classifier(defaults);
  for (let status = 100; status < 600; status += 1) {
    const fails = status >= 500 && status !== 501 && status !== 505;
    const outcome = classifier.classify(status, -1);
    assert.equal(outcome.kind, fails ? 'failure' : 'success', `${status}`);
    assert.equal('status' in outcome && outcome.status, status);
  }
});

test('an ignored status is an ignored success, even where it also counts as failure', () => {
  const classifier = new Classifier({
    ...defaults,
    ignore: [
      { from: 404, to: 404 },
      { from: 503, to: 503 },
    ],
  });
  for (const status of [404, 503]) {
    assert.deepEqual(classifier.classify(status, 1000), { kind: 'success', status, isIgnored: true });
  }
  assert.equal(classifier.classify(502, -1).kind, 'failure');
});

test('a failure carries what Retry-After asked for', () => {
  const classifier = new Classifier(defaults);
  const outcome = classifier.classify(503, 2000);
  assert.deepEqual([outcome.kind, 'retryAfterMs' in outcome && outcome.retryAfterMs], ['failure', 2000]);
});

test('without Retry-After the same failure is handed out again', () => {
  const classifier = new Classifier(defaults);
  assert.equal(classifier.classify(503, -1), classifier.classify(503, -1));
});

test('a status beyond 599 is a failure', () => {
  assert.equal(new Classifier(defaults).classify(799, -1).kind, 'failure');
});

const now = Date.UTC(2026, 10, 22, 12, 0, 0);

const retryAfter: readonly [string, number][] = [
  ['0', 0],
  ['120', 120_000],
  ['007', 7000],
  ['3600', 3_600_000],
  // An hour at most.
  ['3601', 3_600_000],
  ['99999999999999999999999999', 3_600_000],
  ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
  ['Sunday, 22-Nov-26 12:00:30 GMT', 30_000],
  ['Sun Nov 22 12:00:30 2026', 30_000],
  ['Wed Dec  2 12:00:30 2026', 3_600_000],
  ['Sun, 22 Nov 2026 11:59:59 GMT', 0],
  // Two digits, more than fifty years ahead: the last century.
  ['Monday, 22-Nov-77 12:00:30 GMT', 0],
  ['Monday, 22-Nov-76 12:00:30 GMT', 3_600_000],
  ['Sun, 22 Nov 2026 12:00:60 GMT', 60_000],
  ['', -1],
  ['-1', -1],
  ['1.5', -1],
  ['+5', -1],
  ['5s', -1],
  ['1e3', -1],
  ['soon', -1],
  ['2026-11-22T12:00:30Z', -1],
  ['Sun, 22 Nov 2026 12:00:30 UTC', -1],
  ['Sun, 22 Nov 2026 12:00:30 +0000', -1],
  ['sun, 22 nov 2026 12:00:30 gmt', -1],
  ['Sun, 2 Nov 2026 12:00:30 GMT', -1],
  ['Sun, 31 Nov 2026 12:00:30 GMT', -1],
  ['Sun, 00 Nov 2026 12:00:30 GMT', -1],
  ['Sun, 22 Nov 2026 24:00:00 GMT', -1],
  ['Sun, 22 Nov 2026 12:60:00 GMT', -1],
  ['Sun, 22 Nov 2026 12:00:61 GMT', -1],
];

for (const [value, expected] of retryAfter) {
  test(`Retry-After "${value}" means ${expected === -1 ? 'nothing' : `${expected} ms`}`, () => {
    assert.equal(parseRetryAfter(value, now), expected);
  });
}
