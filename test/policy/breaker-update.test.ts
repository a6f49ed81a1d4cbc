import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BreakerSettings } from '../../src/policy/policies.ts';
import { bad, good, Rig } from './breaker-rig.ts';

const takeEffect: readonly {
  what: string;
  settings: Partial<BreakerSettings>;
  before: string;
  update: Partial<BreakerSettings>;
}[] = [
  { what: 'a lower volume', settings: {}, before: 'FFFF', update: { volume: 5 } },
  {
    what: 'a lower share of failures',
    settings: { volume: 5, errorPercent: 90 },
    before: 'SSSFFF',
    update: { errorPercent: 50 },
  },
  { what: 'a lower number in a row', settings: {}, before: 'FFFF', update: { consecutive: 5 } },
  { what: 'a number in a row that is exceeded', settings: {}, before: 'FFFF', update: { consecutive: 2 } },
];

for (const { what, settings, before, update } of takeEffect) {
  test(`${what} opens at the next failure, not before`, () => {
    const rig = new Rig(settings);
    rig.runAll(before);
    rig.update(update);
    assert.equal(rig.state, 'closed');
    rig.run(bad);
    assert.equal(rig.state, 'open');
  });
}

test('a higher volume and a higher share keep it closed where the old ones would have opened it', () => {
  for (const update of [{ volume: 21 }, { errorPercent: 100 }]) {
    const rig = new Rig();
    rig.run(good);
    rig.runAll('F'.repeat(18));
    rig.update(update);
    rig.run(bad);
    assert.equal(rig.state, 'closed');
  }
});

test('what is slow is decided by the limit at the time of the verdict, and its share by the one that holds then', () => {
  const rig = new Rig({ volume: 4, slowerThanMs: 1000, slowPercent: 100 });
  rig.run(good, 500);
  for (let count = 0; count < 3; count += 1) rig.run(good, 2000);
  assert.equal(rig.status.slowPercent, 75);
  rig.update({ slowPercent: 60, slowerThanMs: 300 });
  assert.equal(rig.state, 'closed');
  rig.run(good, 400);
  assert.equal(rig.state, 'open');
  assert.match(rig.changes[0]!.why, /^4 of 5 took longer than 300 ms in 10 s, limit 60 %/);
});

test('a rule that is switched off opens no more', () => {
  const rig = new Rig({ volume: 1, errorPercent: 100, slowerThanMs: 1000, slowPercent: 50, consecutive: 2 });
  rig.runAll('SF');
  rig.update({ slowerThanMs: Number.POSITIVE_INFINITY, consecutive: Number.POSITIVE_INFINITY });
  rig.run(bad, 5000);
  rig.run(bad, 5000);
  assert.equal(rig.state, 'closed');
});

test('a sleep of another length holds at once, from when it began', () => {
  const rig = new Rig().trip();
  rig.now += 1000;
  rig.update({ sleepMs: 8000 });
  assert.equal(rig.refuse().retryAfterMs, 7000);
  rig.update({ sleepMs: 500 });
  assert.equal(rig.admit().isProbe, true);
});

test('more probes: more may go, and more must succeed', () => {
  const rig = new Rig().trip().sleepIsOver();
  const first = rig.admit();
  rig.refuse();
  rig.update({ probes: 2 });
  const second = rig.admit();
  first.settle(good, 10, rig.now);
  assert.equal(rig.state, 'half_open');
  second.settle(good, 10, rig.now);
  assert.equal(rig.state, 'closed');
});

test('fewer probes than are out: nobody else may go, and the next success closes', () => {
  const rig = new Rig({ probes: 3 }).trip().sleepIsOver();
  const out = [rig.admit(), rig.admit(), rig.admit()];
  rig.update({ probes: 1 });
  rig.refuse();
  out[1]!.settle(good, 10, rig.now);
  assert.equal(rig.state, 'closed');
  out[0]!.settle(bad, 10, rig.now);
  out[2]!.settle(bad, 10, rig.now);
  assert.deepEqual([rig.state, rig.status.errors], ['closed', 0]);
});

test('fewer probes than have succeeded: one more is asked for the verdict', () => {
  const rig = new Rig({ probes: 3 }).trip().sleepIsOver();
  rig.run(good);
  rig.run(good);
  rig.update({ probes: 2 });
  assert.equal(rig.state, 'half_open');
  const last = rig.admit();
  rig.refuse();
  last.settle(good, 10, rig.now);
  assert.equal(rig.state, 'closed');
});

test('rejections vote from the moment in which they are told to', () => {
  const rig = new Rig({ volume: 2 });
  rig.breaker.addRejection(rig.now);
  rig.update({ countRejections: true });
  rig.breaker.addRejection(rig.now);
  assert.deepEqual([rig.state, rig.status.total], ['closed', 1]);
  rig.breaker.addRejection(rig.now);
  assert.equal(rig.state, 'open');
});

test('an update keeps the state and the votes, unless the window has another length', () => {
  const rig = new Rig().trip();
  rig.update({ volume: 100, sleepMs: 8000 });
  assert.deepEqual([rig.state, rig.status.total], ['open', 20]);
  rig.update({ windowMs: 20_000 });
  assert.deepEqual([rig.state, rig.status.total], ['open', 0]);
  assert.equal(rig.path, 'closed→open');
});

test('a permit from before an update votes after it', () => {
  const rig = new Rig();
  const permit = rig.admit();
  rig.update({ volume: 1, windowMs: 20_000 });
  permit.settle(bad, 10, rig.now);
  assert.equal(rig.state, 'open');
});

test('what the configuration forces takes effect at once, and so does its end', () => {
  const rig = new Rig();
  rig.update({ force: 'open' });
  assert.equal(rig.refuse().retryAfterMs, -1);
  rig.update({ force: 'none' });
  rig.admit();
  assert.equal(rig.path, 'closed→open open→closed');
});

test('a force by hand and its time survive an update; then what is configured by now holds', () => {
  const rig = new Rig({ force: 'closed' });
  rig.breaker.force('open', rig.now, 60_000);
  rig.update({ volume: 5 });
  rig.update({ force: 'none' });
  assert.deepEqual([rig.status.force, rig.status.forceEndsInMs], ['open', 60_000]);
  rig.breaker.endOverride();
  assert.equal(rig.status.force, 'none');
});

test('a configured force that was lifted by hand stays lifted until another one is configured', () => {
  const rig = new Rig({ force: 'open' });
  rig.breaker.force('none', rig.now);
  rig.update({ volume: 5 });
  rig.admit();
  rig.update({ force: 'closed' });
  assert.deepEqual([rig.status.force, rig.status.forcedBy], ['closed', 'configuration']);
});
