import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientGone, failure, ignoredSuccess, rejected, success } from '../../src/policy/outcome.ts';
import { Commands } from '../../src/telemetry/commands.ts';
import { defaultPolicy } from '../rig/default-policy.ts';
import { bulkheadView, describeCommand, exchangeEnded, transition } from './command-fixture.ts';

const start = 1_000_000;

test('a command is listed with zeros before its first use', () => {
  const commands = new Commands();
  commands.open(describeCommand('reviews'));

  const figures = commands.find('reviews')?.figures(start);

  assert.equal(figures?.rolling.success, 0);
  assert.equal(figures?.latencyExecute.count, 0);
  assert.deepEqual(figures?.latencyTotal.percentiles, [0, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test('each verdict on an attempt is counted under its own word', () => {
  const book = new Commands().open(describeCommand('reviews'));
  const verdicts = [
    success(200),
    success(404),
    ignoredSuccess(404),
    failure('reset', false),
    failure('attempt_timeout', false),
    failure('connect_timeout', true),
    clientGone,
    rejected('no_endpoint'),
  ];

  for (const verdict of verdicts) {
    book.attemptStarted(start);
    book.attemptSettled(verdict, 5, start);
  }

  const { rolling, latencyExecute } = book.figures(start);
  assert.deepEqual(
    [rolling.success, rolling.badRequest, rolling.failure, rolling.timeout, rolling.cancelled],
    [2, 1, 1, 2, 1],
  );
  assert.equal(latencyExecute.count, 6, 'neither the cancelled nor the unsent attempt has a latency');
});

test('an attempt is in flight from its start to its verdict, and the window remembers the most at a start', () => {
  const book = new Commands().open(describeCommand('reviews'));

  book.attemptStarted(start);
  book.attemptStarted(start);
  book.attemptSettled(success(200), 5, start);

  assert.equal(book.figures(start).inFlight, 1);
  assert.equal(book.figures(start).maxInFlight, 2);
  assert.equal(book.figures(start + 20_000).maxInFlight, 0);
});

test('counts fade from the window after ten seconds, and latencies after a minute', () => {
  const book = new Commands().open(describeCommand('reviews'));
  book.attemptStarted(start);
  book.attemptSettled(success(200), 40, start);
  book.exchangeEnded(exchangeEnded({ firstByteMs: 45 }), start);

  const later = book.figures(start + 11_000);
  const muchLater = book.figures(start + 61_000);

  assert.equal(later.rolling.success, 0);
  assert.equal(later.latencyExecute.count, 1);
  assert.equal(Math.round(later.latencyTotal.mean), 45);
  assert.equal(muchLater.latencyExecute.count, 0);
});

test('refusals are counted by who refused', () => {
  const book = new Commands().open(describeCommand('reviews'));

  book.requestRejected('circuit_open', start);
  book.requestRejected('bulkhead_full', start);
  book.requestRejected('queue_timeout', start);
  book.requestRejected('no_endpoint', start);

  const { rolling } = book.figures(start);
  assert.deepEqual([rolling.shortCircuited, rolling.bulkheadRejected, rolling.otherRejected], [1, 2, 1]);
});

test('a refused request without a fallback misses one, and one whose fallback is full does not count twice', () => {
  const book = new Commands().open(describeCommand('reviews'));
  const refused = rejected('circuit_open');

  book.exchangeEnded(exchangeEnded({ outcome: refused, reason: 'circuit_open', attempts: 0 }), start);
  book.exchangeEnded(exchangeEnded({ outcome: refused, reason: 'circuit_open', fallback: 'full' }), start);
  book.exchangeEnded(exchangeEnded({ outcome: refused, reason: 'circuit_open', fallback: 'served' }), start);

  const { rolling } = book.figures(start);
  assert.deepEqual([rolling.fallbackSuccess, rolling.fallbackRejected, rolling.fallbackMissing], [1, 1, 1]);
});

test('a body that breaks off adds a failure and no second attempt', () => {
  const commands = new Commands();
  const book = commands.open(describeCommand('reviews'));
  book.attemptStarted(start);
  book.attemptSettled(success(200), 5, start);

  book.bodyFailed(start);

  assert.equal(book.figures(start).rolling.failure, 1);
  assert.deepEqual([...book.totals.attempts()], [['success', '', 1]]);
});

test('a command that is opened again keeps its books and takes the new settings', () => {
  const commands = new Commands();
  const book = commands.open(describeCommand('reviews'));
  book.requestRejected('circuit_open', start);

  const again = commands.open(
    describeCommand('reviews', { bulkhead: bulkheadView('reviews', { concurrency: 5 }) }),
  );

  assert.equal(again, book);
  assert.equal(again.figures(start).bulkhead.concurrency, 5);
  assert.equal(again.figures(start).rolling.shortCircuited, 1);
});

test('a window of another length starts empty', () => {
  const commands = new Commands();
  const book = commands.open(describeCommand('reviews'));
  book.requestRejected('circuit_open', start);
  const breaker = { ...defaultPolicy.breaker, windowMs: 30_000 };

  commands.open(describeCommand('reviews', { settings: { ...defaultPolicy, breaker } }));

  assert.equal(book.figures(start).rolling.shortCircuited, 0);
  assert.deepEqual([...book.totals.rejections()], [['circuit_open', 1]]);
});

test('what a dropped unlisted destination counted stays in the shared totals', () => {
  const commands = new Commands();
  const first = commands.open(describeCommand('a.example:80', { isUnlisted: true }));
  const second = commands.open(describeCommand('b.example:80', { isUnlisted: true }));
  first.exchangeEnded(exchangeEnded(), start);
  second.exchangeEnded(exchangeEnded(), start);

  commands.close('a.example:80');

  assert.equal(commands.find('a.example:80'), undefined);
  assert.deepEqual([...commands.unlisted.requests()], [['success', 200, 2]]);
});

test('an exchange that outlives its command is still counted, and a command that returns finds its totals', () => {
  const commands = new Commands();
  const book = commands.open(describeCommand('reviews'));
  commands.close('reviews');

  book.exchangeEnded(exchangeEnded(), start);

  const counted = [...commands.totals()].flatMap((totals) => [...totals.requests()]);
  assert.deepEqual(counted, [['success', 200, 1]]);
  assert.equal(commands.open(describeCommand('reviews')).totals, book.totals);
});

test('totals of commands that are gone are kept for a thousand of them, not for ever', () => {
  const commands = new Commands();
  for (let index = 0; index < 1500; index += 1) {
    commands.open(describeCommand(`upstream-${index}`));
    commands.close(`upstream-${index}`);
  }

  assert.equal([...commands.totals()].length, 2 + 1000);
});

test('transitions are counted under the command, and those of unlisted destinations together', () => {
  const commands = new Commands();
  const book = commands.open(describeCommand('reviews'));
  commands.open(describeCommand('a.example:80', { isUnlisted: true }));

  commands.breakerTransition(transition());
  commands.breakerTransition(transition({ command: 'a.example:80' }));
  commands.breakerTransition(transition({ command: 'long.gone:80' }));

  assert.deepEqual([...book.totals.transitions()], [['closed', 'open', 1]]);
  assert.deepEqual([...commands.unlisted.transitions()], [['closed', 'open', 2]]);
});

test('a command remembers its last fifty transitions, and forgets them when it is closed', () => {
  const commands = new Commands();
  const book = commands.open(describeCommand('reviews'));
  for (let at = 1; at <= 60; at += 1) commands.breakerTransition(transition({ at }));

  const remembered = book.transitions.map(({ at }) => at);
  commands.close('reviews');

  assert.deepEqual([remembered.length, remembered[0], remembered.at(-1)], [50, 11, 60]);
  assert.deepEqual(commands.open(describeCommand('reviews')).transitions, []);
});

test('requests are counted by how they ended for the app, each in one of the kinds', () => {
  const book = new Commands().open(describeCommand('reviews'));
  const failed = { outcome: failure('reset', false) } as const;
  const refused = { outcome: rejected('circuit_open') } as const;
  for (const ended of [
    {},
    failed,
    refused,
    { ...failed, fallback: 'served' },
    { ...refused, fallback: 'full' },
  ] as const)
    book.exchangeEnded(exchangeEnded(ended), 0);

  assert.deepEqual(book.figures(0).requests, { requests: 5, failed: 1, refused: 2, fallback: 1 });
});
