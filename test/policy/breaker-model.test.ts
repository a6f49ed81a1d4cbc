import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Breaker } from '../../src/policy/breaker.ts';
import type { Permit } from '../../src/policy/gate.ts';
import {
  clientGone,
  failure,
  ignoredSuccess,
  type Outcome,
  rejected,
  success,
} from '../../src/policy/outcome.ts';
import type { BreakerSettings, Force } from '../../src/policy/policies.ts';
import { type Command, checkModel, command, often, pick, type World } from '../rig/model-runs.ts';
import { PlainBreaker, type PlainPermit, type Verdict } from './plain-breaker.ts';

const outcomes = {
  good: success(200),
  bad: failure('reset', false),
  ignored: ignoredSuccess(404),
  gone: clientGone,
  unsent: rejected('no_endpoint'),
} satisfies Record<Verdict, Outcome>;

interface Pair {
  readonly real: Permit;
  readonly plain: PlainPermit;
}

class BreakerWorld implements World {
  readonly breaker: Breaker;
  readonly plain: PlainBreaker;
  readonly changes: string[] = [];
  readonly out: Pair[] = [];
  /** Settled as success: their bodies may still break off. */
  readonly streaming: Pair[] = [];

  constructor(settings: BreakerSettings) {
    this.plain = new PlainBreaker(settings);
    const heard = ({ from, to }: { from: string; to: string }) => {
      this.changes.push(`${from} to ${to}`);
      const { force, state } = this.breaker.status(this.plain.now);
      assert.equal(force === 'none' ? state : force, to, 'told before it was so');
    };
    this.breaker = new Breaker('model', settings, heard, 0);
  }

  agree(): void {
    const { plain } = this;
    assert.equal(this.changes.join(', '), plain.changes.join(', '));
    const { why, reason, errorPercent, slowPercent, probes, ...status } = this.breaker.status(plain.now);
    const isForced = plain.force !== 'none';
    const counts = plain.counts;
    assert.ok(why.length > 0 && reason.length > 0);
    assert.deepEqual(status, {
      ...counts,
      state: plain.state,
      inStateMs: plain.now - plain.since,
      force: plain.force,
      forcedBy: isForced ? plain.forcedBy : null,
      forceEndsInMs: isForced ? Math.max(0, plain.forcedUntil - plain.now) : -1,
      isOpen: isForced ? plain.force === 'open' : plain.state !== 'closed',
      failuresInARow: plain.failuresInARow,
      nextProbeInMs: plain.state === 'closed' ? -1 : Math.max(0, plain.restMs),
    });
    const { total, errors, slow } = counts;
    assert.equal(errorPercent, total === 0 ? 0 : Math.floor((100 * errors) / total));
    assert.equal(slowPercent, total === 0 ? 0 : Math.floor((100 * slow) / total));
    const inFlight = plain.state === 'half_open' ? plain.probesOut : 0;
    assert.deepEqual(probes, {
      needed: plain.settings.probes,
      succeeded: plain.succeeded,
      inFlight,
      lost: plain.lost,
    });
  }

  end(): void {
    this.breaker.retire(this.plain.now);
  }
}

type BreakerCommand = Command<BreakerWorld>;

const start: BreakerCommand = command('start', ({ breaker, plain, out }) => {
  const foreseen = breaker.peek(plain.now);
  const real = breaker.acquire(plain.now);
  const { restMs, settings, force, forcedUntil } = plain;
  const expected = plain.acquire();
  assert.equal(real.kind === 'permit' ? real.isProbe : null, expected === null ? null : expected.round >= 0);
  assert.deepEqual(foreseen, real.kind === 'rejected' ? real : null);
  if (real.kind === 'permit' && expected !== null) out.push({ real, plain: expected });
  if (real.kind === 'permit') return;
  const isEndKnown = Number.isFinite(forcedUntil) && settings.force !== 'open';
  const forcedMs = isEndKnown ? Math.max(0, forcedUntil - plain.now) : -1;
  assert.equal(real.retryAfterMs, force === 'open' ? forcedMs : restMs);
});

const settle = (which: number, verdict: Verdict, elapsedMs: number): BreakerCommand =>
  command(`${verdict}(${which}) after ${elapsedMs} ms`, ({ plain, out, streaming }) => {
    const pair = pick(out, which);
    if (pair === undefined) return;
    out.splice(out.indexOf(pair), 1);
    if (verdict === 'good') streaming.push(pair);
    plain.settle(pair.plain, verdict, elapsedMs);
    pair.real.settle(outcomes[verdict], elapsedMs, plain.now);
  });

const bodyFails = (which: number): BreakerCommand =>
  command(`body fails(${which})`, ({ plain, streaming }) => {
    const pair = pick(streaming, which);
    if (pair === undefined) return;
    streaming.splice(streaming.indexOf(pair), 1);
    plain.bodyFails(pair.plain);
    pair.real.addBodyFailure(plain.now);
  });

const reject: BreakerCommand = command('the bulkhead refuses', ({ breaker, plain }) => {
  plain.reject();
  breaker.addRejection(plain.now);
});

const wait = (ms: number): BreakerCommand =>
  command(`wait(${ms})`, ({ plain }) => {
    plain.now += ms;
  });

const force = (value: Force, forMs: number): BreakerCommand =>
  command(`force ${value} for ${forMs} ms`, ({ breaker, plain }) => {
    plain.impose(value, 'hand', plain.now + forMs);
    breaker.force(value, plain.now, forMs);
  });

const endOverride: BreakerCommand = command('end the override', ({ breaker, plain }) => {
  plain.endOverride();
  breaker.endOverride();
});

const update = (settings: BreakerSettings): BreakerCommand =>
  command(`update(${JSON.stringify(settings)})`, ({ breaker, plain }) => {
    plain.update(settings);
    breaker.update(settings);
  });

test('in any order of attempts, verdicts, waits, limits and forces it does what the plain rules say', () => {
  const settings: fc.Arbitrary<BreakerSettings> = fc.record({
    windowMs: fc.constantFrom(1000, 1000, 450),
    volume: fc.integer({ min: 1, max: 5 }),
    errorPercent: fc.constantFrom(1, 34, 50, 100),
    sleepMs: fc.constantFrom(200, 500),
    probes: fc.integer({ min: 1, max: 3 }),
    slowerThanMs: fc.constantFrom(100, Number.POSITIVE_INFINITY),
    slowPercent: fc.constantFrom(1, 50, 100),
    consecutive: fc.constantFrom(2, 3, Number.POSITIVE_INFINITY),
    countRejections: fc.boolean(),
    force: fc.constantFrom<Force>('none', 'none', 'none', 'none', 'open', 'closed'),
  });
  const unforced = settings.map((chosen) => ({ ...chosen, force: 'none' as const }));
  const verdict = fc.constantFrom<Verdict>('good', 'good', 'good', 'bad', 'bad', 'ignored', 'gone', 'unsent');
  const elapsed = fc.constantFrom(0, 100, 101);
  const forcing = fc.tuple(
    fc.constantFrom<Force>('open', 'closed', 'none', 'none'),
    fc.constantFrom(300, Number.POSITIVE_INFINITY),
  );
  checkModel(fc.oneof(unforced, unforced, settings), (chosen) => new BreakerWorld(chosen), [
    often(10, fc.constant(start)),
    often(
      9,
      fc.tuple(fc.nat(9), verdict, elapsed).map(([which, what, ms]) => settle(which, what, ms)),
    ),
    often(1, fc.nat(9).map(bodyFails)),
    often(1, fc.constant(reject)),
    often(2, fc.oneof(fc.constantFrom(0, 200, 201, 500, 501), fc.nat(300)).map(wait)),
    often(
      1,
      forcing.map(([value, ms]) => force(value, ms)),
    ),
    often(1, fc.oneof(fc.constant(endOverride), unforced.map(update), settings.map(update))),
  ]);
});
