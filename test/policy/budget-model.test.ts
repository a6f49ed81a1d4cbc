import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RetryBudget, type RetryBudgetSettings } from '../../src/policy/budget.ts';
import { type Command, checkModel, command, often, type World } from '../rig/model-runs.ts';

/** What rounding may make of a token and a whole run. */
const ROUNDING = 1e-6;

/** The rules once more, in thousandths of a token, so that every figure is a whole number. */
class PlainBudget {
  rates: RetryBudgetSettings;
  thousandths: number;
  now = 0;
  /** Requests in each second since the beginning. */
  readonly #requests: number[] = [];

  constructor(rates: RetryBudgetSettings) {
    this.rates = rates;
    this.thousandths = 2000 * rates.minPerSecond;
  }

  get capacity(): number {
    const second = this.#second;
    let recent = 0;
    for (let ago = 0; ago < 10; ago += 1) recent += this.#requests[second - ago] ?? 0;
    const { percent, minPerSecond } = this.rates;
    return Math.max(10_000, 0.2 * (percent * 10 * recent + minPerSecond * 10_000));
  }

  get #second(): number {
    return Math.floor(this.now / 1000);
  }

  request(): number {
    this.#requests[this.#second] = (this.#requests[this.#second] ?? 0) + 1;
    return this.earn(this.rates.percent * 10);
  }

  wait(ms: number): number {
    this.now += ms;
    return this.earn(this.rates.minPerSecond * ms);
  }

  /** Returns what was earned, though it may not fit. */
  earn(thousandths: number): number {
    this.thousandths = Math.min(this.thousandths + thousandths, this.capacity);
    return thousandths;
  }
}

class BudgetWorld implements World {
  readonly budget: RetryBudget;
  readonly plain: PlainBudget;
  /** In thousandths of a token, since the beginning. */
  earned = 0;
  retries = 0;
  #leastHeadroom = Number.POSITIVE_INFINITY;

  constructor(rates: RetryBudgetSettings) {
    this.budget = new RetryBudget(rates, 0);
    this.plain = new PlainBudget(rates);
  }

  agree(): void {
    const { plain, retries } = this;
    const tokens = this.budget.tokens(plain.now);
    assert.ok(Math.abs(tokens - plain.thousandths / 1000) < ROUNDING, `${tokens}: ${plain.thousandths}`);
    assert.ok(tokens >= 0);
    assert.ok(tokens <= plain.capacity / 1000 + ROUNDING);
    // Over any stretch retries ≤ tokens at its start + what was earned in it: compared with the strictest start.
    const earned = this.earned / 1000;
    this.#leastHeadroom = Math.min(this.#leastHeadroom, tokens + retries - earned);
    assert.ok(retries - earned <= this.#leastHeadroom + ROUNDING, 'too many retries');
  }
}

type BudgetCommand = Command<BudgetWorld>;

const request = (times: number): BudgetCommand =>
  command(`${times} requests`, (world) => {
    const { budget, plain } = world;
    for (let time = 0; time < times; time += 1) {
      world.earned += plain.request();
      budget.deposit(plain.now);
    }
  });

const retry = (times: number): BudgetCommand =>
  command(`${times} retries wanted`, (world) => {
    const { budget, plain } = world;
    for (let time = 0; time < times; time += 1) {
      const isGranted = budget.withdraw(plain.now);
      // With a token to the last thousandth rounding may decide either way.
      if (plain.thousandths !== 1000) assert.equal(isGranted, plain.thousandths > 1000);
      if (!isGranted) return;
      plain.thousandths -= 1000;
      world.retries += 1;
    }
  });

const giveBack: BudgetCommand = command('a retry does not take place', (world) => {
  if (world.retries === 0) return;
  world.retries -= 1;
  world.plain.earn(1000);
  world.budget.giveBack(world.plain.now);
});

const wait = (ms: number): BudgetCommand =>
  command(`wait(${ms})`, (world) => {
    world.earned += world.plain.wait(ms);
  });

const update = (rates: RetryBudgetSettings): BudgetCommand =>
  command(`update(${rates.percent} %, ${rates.minPerSecond}/s)`, ({ budget, plain }) => {
    plain.rates = rates;
    plain.earn(0);
    budget.update(rates, plain.now);
  });

test('whatever is asked of it and when, its tokens are what the plain rules say, and retries are bounded over any stretch', () => {
  const rates = fc.record({
    percent: fc.constantFrom(0, 1, 10, 20, 33, 100),
    minPerSecond: fc.constantFrom(0, 1, 3, 10, 100),
  });
  checkModel(rates, (chosen) => new BudgetWorld(chosen), [
    often(4, fc.nat(30).map(request)),
    often(4, fc.nat(15).map(retry)),
    often(1, fc.constant(giveBack)),
    often(2, fc.nat(700).map(wait)),
    often(1, fc.oneof(fc.nat(15_000).map(wait), rates.map(update))),
  ]);
});
