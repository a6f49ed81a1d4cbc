import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationInWords } from '../../src/policy/explain.ts';
import { bad, good, Rig } from './breaker-rig.ts';

for (const [ms, words] of [
  [0, '0 ms'],
  [0.2, '1 ms'],
  [250, '250 ms'],
  [999.5, '1 s'],
  [3200, '3.2 s'],
  [3249, '3.2 s'],
  [10_000, '10 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min'],
  [90_000, '1 min 30 s'],
  [540_000, '9 min'],
  [3_599_700, '1 h'],
  [3_900_000, '1 h 5 min'],
  [86_399_000, '1 d'],
  [183_600_000, '2 d 3 h'],
] as const) {
  test(`${ms} ms are told as ${words}`, () => {
    assert.equal(durationInWords(ms), words);
  });
}

test('closed: what was counted, and at which numbers it would open', () => {
  const rig = new Rig();
  assert.equal(rig.why, 'no attempts in 10 s; opens at 50 % of at least 20');
  rig.runAll('SSSSSSSSSFFF');
  assert.equal(rig.why, '3 of 12 failed in 10 s; opens at 50 % of at least 20');
});

test('closed: every rule that is on says how far it is from its limit', () => {
  const rig = new Rig({ slowerThanMs: 1000, slowPercent: 80, consecutive: 5 });
  rig.runAll('SSF');
  rig.run(good, 1500);
  rig.run(bad);
  assert.equal(
    rig.why,
    '2 of 5 failed in 10 s; opens at 50 % of at least 20; 1 of 5 took longer than 1 s, opens at 80 %; 1 failure in a row, opens at 5',
  );
});

test('closed, though a limit is reached: it waits for the next vote that can open it', () => {
  const reached = new Rig();
  reached.runAll(`${'F'.repeat(19)}S`);
  assert.equal(reached.why, '19 of 20 failed in 10 s, limit 50 %; opens at the next failure');
  const lowered = new Rig({ slowerThanMs: 1000, volume: 3 });
  lowered.run(good, 2000);
  lowered.run(good, 2000);
  lowered.update({ volume: 2 });
  assert.equal(
    lowered.why,
    '2 of 2 took longer than 1 s in 10 s, limit 80 %; opens at the next slow attempt',
  );
});

test('open: what was counted against which limit, and when the next probe goes', () => {
  const rig = new Rig();
  rig.runAll('SSSSSSSSFFFFFFFFFFFF');
  assert.equal(rig.changes[0]!.why, '12 of 20 failed in 10 s, limit 50 %; next probe in 5 s');
  rig.now += 1800;
  assert.equal(rig.why, '12 of 20 failed in 10 s, limit 50 %; next probe in 3.2 s');
  assert.equal(rig.refuse().detail, '12 of 20 failed in 10 s, limit 50 %');
  rig.sleepIsOver();
  assert.equal(rig.why, '12 of 20 failed in 10 s, limit 50 %; a probe is due');
});

test('open: the counts are those of the trip, though they have left the window since', () => {
  const rig = new Rig({ consecutive: 1, sleepMs: 60_000 });
  rig.run(bad);
  rig.now += 30_000;
  assert.equal(rig.status.total, 0);
  assert.equal(rig.why, '1 failure in a row, limit 1; next probe in 30 s');
});

test('open again: what the probe said', () => {
  const failing = new Rig().trip().sleepIsOver();
  failing.run(bad);
  assert.equal(failing.why, 'the probe failed: reset; next probe in 5 s');
  const slow = new Rig({ slowerThanMs: 1000 }).trip().sleepIsOver();
  slow.run(good, 1200);
  assert.equal(slow.why, 'the probe took 1.2 s; next probe in 5 s');
});

test('half-open: how far the probes are, and why it opened', () => {
  const rig = new Rig().trip().sleepIsOver();
  rig.admit();
  rig.now += 800;
  assert.equal(
    rig.why,
    'probing: 0 of 1 probe succeeded, 1 in flight, next probe in 4.2 s; opened because 20 of 20 failed in 10 s, limit 50 %',
  );
});

test('half-open with several probes: a free place is a probe that is due, and the lost ones are told', () => {
  const rig = new Rig({ probes: 3 }).trip().sleepIsOver();
  for (let probe = 0; probe < 3; probe += 1) rig.admit();
  rig.sleepIsOver();
  rig.run(good);
  assert.equal(
    rig.why,
    'probing: 1 of 3 probes succeeded, 0 in flight, 3 lost, a probe is due; opened because 20 of 20 failed in 10 s, limit 50 %',
  );
});

test('forced: by whom, for how long still, and what is underneath', () => {
  const rig = new Rig();
  rig.runAll('SF');
  const underneath = 'underneath: 1 of 2 failed in 10 s; opens at 50 % of at least 20';
  rig.breaker.force('open', rig.now, 600_000);
  rig.now += 5000;
  assert.equal(rig.why, `forced open by hand for another 9 min 55 s; ${underneath}`);
  rig.breaker.force('closed', rig.now);
  assert.equal(rig.why, `forced closed by hand until it is lifted; ${underneath}`);
  rig.update({ force: 'open' });
  rig.breaker.endOverride();
  assert.equal(rig.why, `forced open by the configuration; ${underneath}`);
});

test('each change of state says why', () => {
  const rig = new Rig({ probes: 2 }).trip().sleepIsOver();
  rig.run(good);
  rig.run(good);
  rig.breaker.force('open', rig.now, 600_000);
  rig.breaker.force('none', rig.now);
  assert.deepEqual(
    rig.changes.map(({ why }) => why),
    [
      '20 of 20 failed in 10 s, limit 50 %; next probe in 5 s',
      'the sleep is over, probing',
      '2 probes succeeded',
      'forced open by hand',
      'no longer forced',
    ],
  );
});

test('a release says what was underneath', () => {
  const rig = new Rig({ force: 'closed' });
  rig.runAll('F'.repeat(20));
  rig.update({ force: 'none' });
  assert.equal(rig.changes[0]!.why, 'no longer forced; 20 of 20 failed in 10 s, limit 50 %');
});

test('how long it has been in its state begins with each change, and with its birth', () => {
  const rig = new Rig();
  rig.now += 400;
  assert.equal(rig.status.inStateMs, 400);
  rig.trip();
  rig.now += 700;
  assert.equal(rig.status.inStateMs, 700);
  rig.sleepIsOver().admit();
  assert.equal(rig.status.inStateMs, 0);
});

test('the reason without waits stands still while nothing happens, whatever the state and whoever forces it', () => {
  const rig = new Rig();
  const twice = (): [string, string] => {
    const first = rig.status.reason;
    rig.now += 700;
    return [first, rig.status.reason];
  };
  rig.trip();
  const open = twice();
  rig.sleepIsOver().admit();
  const halfOpen = twice();
  rig.breaker.force('closed', rig.now, 60_000);
  const forced = twice();

  assert.deepEqual(open, Array(2).fill('20 of 20 failed in 10 s, limit 50 %'));
  assert.deepEqual(halfOpen, Array(2).fill('opened because 20 of 20 failed in 10 s, limit 50 %'));
  assert.deepEqual(forced, Array(2).fill('underneath: opened because 20 of 20 failed in 10 s, limit 50 %'));
});
