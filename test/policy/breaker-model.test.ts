import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Breaker } from '../../src/policy/breaker.ts';
import type { Permit } from '../../src/policy/gate.ts';
import { clientGone, failure, type Outcome, success } from '../../src/policy/outcome.ts';
import type { BreakerSettings } from '../../src/policy/policies.ts';

const outcomes = { good: success(200), bad: failure('reset', false), gone: clientGone } satisfies Record<
  string,
  Outcome
>;
type Verdict = keyof typeof outcomes;

/** The rules once more, as slowly and plainly as they can be written: every vote in a list, every state a word. */
class PlainBreaker {
  readonly #limits: BreakerSettings;
  state = 'closed';
  era = 0;
  #openedAt = 0;
  #votes: { at: number; isFailure: boolean }[] = [];
  #probesOut = 0;
  #probesGood = 0;

  constructor(limits: BreakerSettings) {
    this.#limits = limits;
  }

  /** The era of the permit, and whether it is a probe; null: refused. */
  acquire(now: number): { era: number; isProbe: boolean } | null {
    if (this.state === 'open') {
      if (now <= this.#openedAt + this.#limits.sleepMs) return null;
      this.#enter('half_open');
    }
    if (this.state === 'closed') return { era: this.era, isProbe: false };
    if (this.#probesOut >= this.#limits.probes) return null;
    this.#probesOut += 1;
    return { era: this.era, isProbe: true };
  }

  settle(permit: { era: number; isProbe: boolean }, verdict: Verdict, now: number): void {
    if (permit.era !== this.era) return;
    if (permit.isProbe) this.#probesOut -= 1;
    if (verdict === 'gone') return;
    this.#votes.push({ at: now, isFailure: verdict === 'bad' });
    if (permit.isProbe && verdict === 'good') {
      this.#probesGood += 1;
      if (this.#probesGood < this.#limits.probes) return;
      this.#votes = [];
      this.#enter('closed');
    } else if (verdict === 'bad' && (permit.isProbe || this.#isBad(now))) {
      this.#openedAt = now;
      this.#enter('open');
    }
  }

  counts(now: number): { total: number; errors: number } {
    const bucketMs = this.#limits.windowMs / 10;
    const bucket = (at: number) => Math.floor(at / bucketMs);
    const recent = this.#votes.filter(({ at }) => bucket(at) > bucket(now) - 10);
    return { total: recent.length, errors: recent.filter(({ isFailure }) => isFailure).length };
  }

  #isBad(now: number): boolean {
    const { total, errors } = this.counts(now);
    return total >= this.#limits.volume && Math.floor((errors * 100) / total) >= this.#limits.errorPercent;
  }

  #enter(state: string): void {
    this.state = state;
    this.era += 1;
    this.#probesOut = 0;
    this.#probesGood = 0;
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('acquire' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      what: fc.constant('settle' as const),
      which: fc.nat(20),
      verdict: fc.constantFrom<Verdict>('good', 'bad', 'bad', 'gone'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('wait' as const), ms: fc.nat(700) }) },
);

test('in any order of attempts, verdicts and waits it does what the plain rules say', () => {
  const limits = fc.record({
    volume: fc.integer({ min: 1, max: 5 }),
    errorPercent: fc.integer({ min: 1, max: 100 }),
    probes: fc.integer({ min: 1, max: 3 }),
  });
  fc.assert(
    fc.property(limits, fc.array(step, { maxLength: 150 }), (chosen, steps) => {
      const settings: BreakerSettings = {
        windowMs: 1000,
        sleepMs: 500,
        slowerThanMs: Number.POSITIVE_INFINITY,
        slowPercent: 80,
        consecutive: Number.POSITIVE_INFINITY,
        countRejections: false,
        force: 'none',
        ...chosen,
      };
      let told = 'closed';
      const breaker = new Breaker('model', settings, ({ from, to }) => {
        assert.equal(from, told);
        told = to;
      });
      const plain = new PlainBreaker(settings);
      const out: { permit: Permit; plain: { era: number; isProbe: boolean } }[] = [];
      let now = 0;
      for (const one of steps) {
        if (one.what === 'wait') now += one.ms;
        if (one.what === 'acquire') {
          const foreseen = breaker.peek(now);
          const permit = breaker.acquire(now);
          const expected = plain.acquire(now);
          assert.deepEqual(permit.kind === 'rejected' ? permit : null, foreseen);
          assert.equal(permit.kind === 'permit' ? permit.isProbe : null, expected?.isProbe ?? null);
          if (permit.kind === 'permit' && expected !== null) out.push({ permit, plain: expected });
        }
        if (one.what === 'settle' && out.length > 0) {
          const [pair] = out.splice(one.which % out.length, 1);
          pair!.permit.settle(outcomes[one.verdict], 10, now);
          plain.settle(pair!.plain, one.verdict, now);
        }
        const { state, total, errors } = breaker.status(now);
        assert.deepEqual({ state, total, errors }, { state: plain.state, ...plain.counts(now) });
        assert.equal(told, plain.state);
      }
    }),
    { numRuns: 3000 },
  );
});
