import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RetryBudget } from '../../src/policy/budget.ts';

const spendAll = (budget: RetryBudget, now: number): number => {
  let spent = 0;
  while (budget.withdraw(now)) spent += 1;
  return spent;
};

/** `seconds` of `perSecond` requests, each of which wants `wanted` retries at once; returns how many it got. */
const load = (
  budget: RetryBudget,
  from: number,
  seconds: number,
  perSecond: number,
  wanted: number,
): number => {
  let retries = 0;
  for (let request = 0; request < seconds * perSecond; request += 1) {
    const now = from + (request * 1000) / perSecond;
    budget.deposit(now);
    for (let retry = 0; retry < wanted && budget.withdraw(now); retry += 1) retries += 1;
  }
  return retries;
};

test('the first failure after the start may be retried', () => {
  const budget = new RetryBudget({ percent: 20, minPerSecond: 10 }, 0);
  budget.deposit(0);
  assert.equal(budget.withdraw(0), true);
});

test('five requests earn one retry at twenty percent', () => {
  const budget = new RetryBudget({ percent: 20, minPerSecond: 0 }, 0);
  for (let i = 0; i < 4; i += 1) budget.deposit(0);
  assert.equal(budget.withdraw(0), false);
  budget.deposit(0);
  assert.equal(budget.withdraw(0), true);
  assert.equal(budget.withdraw(0), false);
});

test('whole percents add up exactly', () => {
  for (const percent of [1, 7, 10, 30, 70]) {
    const budget = new RetryBudget({ percent, minPerSecond: 0 }, 0);
    for (let i = 0; i < 100; i += 1) {
      budget.deposit(0);
      const earned = Math.floor(((i + 1) * percent) / 100);
      assert.equal(budget.tokens(0) >= 1, earned > Math.floor((i * percent) / 100));
      budget.withdraw(0);
    }
    assert.equal(budget.tokens(0), 0, `${percent} %`);
  }
});

test('a token that is given back can be taken again', () => {
  const budget = new RetryBudget({ percent: 0, minPerSecond: 10 }, 0);
  spendAll(budget, 0);
  budget.giveBack(0);
  assert.equal(budget.tokens(0), 1);
  assert.equal(spendAll(budget, 0), 1);
});

test('what is given back never fills the bucket beyond its capacity', () => {
  const budget = new RetryBudget({ percent: 0, minPerSecond: 10 }, 0);
  budget.withdraw(0);
  // Meanwhile time has filled the place of the token that was taken.
  budget.giveBack(5000);
  assert.equal(budget.tokens(5000), 20);
});

test('the floor comes with time alone, up to what can be saved', () => {
  const budget = new RetryBudget({ percent: 0, minPerSecond: 10 }, 0);
  spendAll(budget, 0);
  assert.equal(spendAll(budget, 99), 0);
  assert.equal(spendAll(budget, 100), 1);
  assert.equal(spendAll(budget, 1_000_000), 20);
});

test('with nothing to earn there is no retry, ever', () => {
  const budget = new RetryBudget({ percent: 0, minPerSecond: 0 }, 0);
  assert.equal(load(budget, 0, 60, 100, 2), 0);
});

test('a quiet upstream gets to its share as well', () => {
  const budget = new RetryBudget({ percent: 20, minPerSecond: 0 }, 0);
  assert.equal(load(budget, 0, 100, 1, 1), 20);
});

test('a busy upstream saves two seconds of what it earns, and loses it when it turns quiet', () => {
  const budget = new RetryBudget({ percent: 20, minPerSecond: 10 }, 0);
  load(budget, 0, 30, 500, 0);
  assert.ok(Math.abs(budget.tokens(30_000) - 220) < 25, `${budget.tokens(30_000)}`);
  assert.equal(budget.tokens(41_000), 20);
});

for (const [name, healthySeconds] of [
  ['from the start', 0],
  ['after a healthy minute', 60],
] as const) {
  test(`a minute of full outage at 500 requests/s, ${name}, makes at most 1.2 + 10 ÷ 500 + 1 % attempts for each`, () => {
    const budget = new RetryBudget({ percent: 20, minPerSecond: 10 }, 0);
    load(budget, 0, healthySeconds, 500, 0);
    const retries = load(budget, healthySeconds * 1000, 60, 500, 2);
    const ratio = 1 + retries / (60 * 500);
    assert.ok(ratio <= 1.2 + 10 / 500 + 0.01, `${ratio}`);
    assert.ok(ratio > 1.2, `${ratio}`);
  });
}

test('in a lasting outage every five seconds are alike: retries do not come in waves', () => {
  const budget = new RetryBudget({ percent: 20, minPerSecond: 10 }, 0);
  load(budget, 0, 60, 500, 0);
  load(budget, 60_000, 5, 500, 2);
  for (let five = 0; five < 10; five += 1) {
    const retries = load(budget, 65_000 + five * 5000, 5, 500, 2);
    assert.ok(Math.abs(retries - 550) <= 2, `${retries} of 2500`);
  }
});

test('new rates hold from now on and keep what was saved, as far as it fits', () => {
  const budget = new RetryBudget({ percent: 20, minPerSecond: 100 }, 0);
  assert.equal(budget.tokens(0), 200);
  budget.update({ percent: 20, minPerSecond: 5 }, 0);
  assert.equal(budget.tokens(0), 10);
  spendAll(budget, 0);
  budget.update({ percent: 20, minPerSecond: 0 }, 1000);
  assert.equal(budget.tokens(5000), 5, 'the first second still earned at the old rate');
});

test('a clock that goes back earns nothing', () => {
  const budget = new RetryBudget({ percent: 0, minPerSecond: 10 }, 10_000);
  spendAll(budget, 10_000);
  assert.equal(budget.withdraw(0), false);
  assert.equal(spendAll(budget, 10_100), 1);
});

test('over any stretch retries are bounded by the tokens at its start, its requests and its length', () => {
  const event = fc.record({
    waitMs: fc.nat(400),
    requests: fc.nat(30),
    wanted: fc.nat(60),
    // Retries that were decided on and do not take place.
    forgone: fc.nat(10),
  });
  const settings = fc.record({ percent: fc.nat(100), minPerSecond: fc.nat(50) });
  fc.assert(
    fc.property(settings, fc.array(event, { minLength: 1, maxLength: 60 }), (rates, events) => {
      const budget = new RetryBudget(rates, 0);
      let now = 0;
      let retries = 0;
      let earned = 0;
      const moments = [{ tokens: budget.tokens(0), retries, earned }];
      for (const { waitMs, requests, wanted, forgone } of events) {
        now += waitMs;
        for (let i = 0; i < requests; i += 1) budget.deposit(now);
        let decided = 0;
        while (decided < wanted && budget.withdraw(now)) decided += 1;
        const back = Math.min(decided, forgone);
        for (let i = 0; i < back; i += 1) budget.giveBack(now);
        retries += decided - back;
        earned += (rates.percent / 100) * requests + (rates.minPerSecond * waitMs) / 1000;
        moments.push({ tokens: budget.tokens(now), retries, earned });
      }
      moments.forEach((end, index) => {
        assert.ok(end.tokens >= 0);
        for (const start of moments.slice(0, index)) {
          const allowed = start.tokens + end.earned - start.earned;
          assert.ok(end.retries - start.retries + end.tokens <= allowed + 1e-6);
        }
      });
    }),
    { numRuns: 2000 },
  );
});

test('the capacity is what two seconds earn at the present rate, and never less than ten', () => {
  const budget = new RetryBudget({ percent: 20, minPerSecond: 10 }, 0);
  const quiet = budget.capacity(0);

  load(budget, 0, 10, 500, 0);

  assert.deepEqual([quiet, budget.capacity(9999)], [20, 220]);
});
