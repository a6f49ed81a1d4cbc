import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Classifier, parseRetryAfter } from '../../src/policy/classify.ts';
import { failureStatus } from '../../src/policy/outcome.ts';

const classifier = new Classifier({ status: [{ from: 500, to: 599 }], ignore: [] });

test('a failing answer that asks for no pause at all is told from one that says nothing', () => {
  assert.deepEqual(classifier.classify(503, 0), failureStatus(503, 0));
  assert.deepEqual(classifier.classify(503, -1), failureStatus(503, -1));
});

test('a date of any month is understood in all three forms', () => {
  for (let month = 0; month < 12; month += 1) {
    const now = Date.UTC(2026, month, 7, 8, 9, 10);
    const [, day, name, year, time] = new Date(now + 60_000).toUTCString().split(' ');
    for (const date of [
      `Mon, ${day} ${name} ${year} ${time} GMT`,
      `Monday, ${day}-${name}-${year!.slice(2)} ${time} GMT`,
      `Mon ${name} ${day} ${time} ${year}`,
    ]) {
      assert.equal(parseRetryAfter(date, now), 60_000, date);
    }
  }
});

test('the last second of a day is a time, and so is a leap second; an hour more is none', () => {
  const now = Date.UTC(2026, 10, 22, 23, 30, 0);
  assert.equal(parseRetryAfter('Sun, 22 Nov 2026 23:59:59 GMT', now), 1_799_000);
  assert.equal(parseRetryAfter('Sun, 22 Nov 2026 23:59:60 GMT', now), 1_800_000);
  assert.equal(parseRetryAfter('Sun, 22 Nov 2026 24:00:00 GMT', now), -1);
});
