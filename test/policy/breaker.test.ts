import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Breaker } from '../../src/policy/breaker.ts';
import type { Permit } from '../../src/policy/gate.ts';
import { clientGone, ignoredSuccess, rejected } from '../../src/policy/outcome.ts';
import { bad, defaults, good, late, Rig } from './breaker-rig.ts';

const sequences: readonly {
  attempts: string;
  opensAt: number | null;
  volume?: number;
  errorPercent?: number;
}[] = [
  { attempts: 'SSSSFFF', opensAt: 7, volume: 1, errorPercent: 40 },
  { attempts: 'SSFSF', opensAt: 5, volume: 1, errorPercent: 40 },
  { attempts: 'SSFSSFSF', opensAt: null, volume: 1, errorPercent: 40 },
  { attempts: 'TTTT', opensAt: 4, volume: 4 },
  { attempts: 'SSTSTTT', opensAt: 7, volume: 1, errorPercent: 55 },
  { attempts: 'F'.repeat(19), opensAt: null },
  { attempts: 'F'.repeat(20), opensAt: 20 },
  { attempts: `${'SF'.repeat(10)}`, opensAt: 20 },
  { attempts: `${'S'.repeat(11)}${'F'.repeat(9)}`, opensAt: null },
  // 2 of 3 is 66.7 %: compared as 66.
  { attempts: 'SFF', opensAt: 3, volume: 3, errorPercent: 66 },
  { attempts: 'SFF', opensAt: null, volume: 3, errorPercent: 67 },
  // 29 of 100, which floating point would truncate to 28.
  { attempts: `${'S'.repeat(71)}${'F'.repeat(29)}`, opensAt: 100, volume: 100, errorPercent: 29 },
  // The volume is reached by a success: nothing opens before the next failure.
  { attempts: `${'F'.repeat(19)}S`, opensAt: null },
  { attempts: `${'F'.repeat(19)}SF`, opensAt: 21 },
];

for (const { attempts, opensAt, ...settings } of sequences) {
  const story = attempts.length > 12 ? `${attempts.slice(0, 12)}… (${attempts.length})` : attempts;
  const limits = `${settings.errorPercent ?? 50} % of at least ${settings.volume ?? 20}`;
  test(`${story} with ${limits} ${opensAt === null ? 'stays closed' : `opens at attempt ${opensAt}`}`, () => {
    const rig = new Rig(settings);
    rig.runAll(attempts.slice(0, -1));
    assert.equal(rig.state, 'closed');
    rig.runAll(attempts.slice(-1));
    assert.equal(rig.state, opensAt === null ? 'closed' : 'open');
  });
}

test('an open breaker refuses with the time until its probe, and refusals count for nothing', () => {
  const rig = new Rig().trip();
  rig.now += 1500;
  for (let i = 0; i < 30; i += 1) assert.equal(rig.refuse().reason, 'circuit_open');
  assert.equal(rig.refuse().retryAfterMs, 3500);
  const { total, errors } = rig.status;
  assert.deepEqual({ total, errors }, { total: 20, errors: 20 });
});

test('a hundred failures that land in the same moment open it once', () => {
  const rig = new Rig();
  const permits = Array.from({ length: 100 }, () => rig.admit());
  for (const permit of permits) permit.settle(bad, 10, rig.now);
  assert.equal(rig.path, 'closed→open');
  assert.equal(rig.status.total, 20, 'what came after the trip belongs to the state before it');
});

test('of two hundred who come after the sleep exactly the probes pass, though each that succeeds frees its place', () => {
  const rig = new Rig({ probes: 3 }).trip().sleepIsOver();
  const admitted: Permit[] = [];
  for (let caller = 0; caller < 200; caller += 1) {
    if (caller === 100) admitted[0]!.settle(good, 10, rig.now);
    const answer = rig.breaker.acquire(rig.now);
    if (answer.kind === 'permit') admitted.push(answer);
  }
  assert.deepEqual(
    admitted.map(({ isProbe }) => isProbe),
    [true, true, true],
  );
});

test('one request a minute never fills the volume: only failures in a row can open it', () => {
  const byShare = new Rig();
  const inARow = new Rig({ consecutive: 5 });
  for (let minute = 0; minute < 60; minute += 1) {
    for (const rig of [byShare, inARow]) {
      rig.now += 60_000;
      if (rig.breaker.peek(rig.now) === null) rig.run(bad);
    }
  }
  assert.equal(byShare.path, '');
  assert.match(inARow.path, /^closed→open open→half_open half_open→open/);
  assert.match(inARow.changes[0]!.why, /^5 failures in a row, limit 5;/);
});

test('failures age out of the window', () => {
  const rig = new Rig();
  rig.runAll('F'.repeat(19));
  rig.now += rig.settings.windowMs;
  assert.equal(rig.status.total, 0);
  rig.run(bad);
  assert.equal(rig.state, 'closed');
});

test('what counts for nothing: rejected, cancelled and ignored attempts', () => {
  const rig = new Rig();
  for (const outcome of [rejected('no_endpoint'), clientGone, ignoredSuccess(404)]) rig.run(outcome);
  const { total, errors, slow } = rig.status;
  assert.deepEqual({ total, errors, slow }, { total: 0, errors: 0, slow: 0 });
});

test('the first request strictly after the sleep is the only probe; the state is half-open, which shows as open', () => {
  const rig = new Rig().trip();
  rig.now += rig.settings.sleepMs;
  assert.equal(rig.refuse().retryAfterMs, 0);
  rig.now += 1;
  assert.equal(rig.admit().isProbe, true);
  rig.refuse();
  assert.equal(rig.state, 'half_open');
  assert.equal(rig.status.isOpen, true);
});

test('without traffic an open breaker stays open, however long', () => {
  const rig = new Rig().trip();
  rig.now += 3_600_000;
  assert.equal(rig.state, 'open');
  assert.equal(rig.status.nextProbeInMs, 0);
});

test('a probe that succeeds closes it with an empty window, and it stays closed', () => {
  const rig = new Rig().trip().sleepIsOver();
  rig.run(good);
  assert.equal(rig.state, 'closed');
  assert.equal(rig.status.total, 0);
  // The twenty failures are younger than the window: were they still in it, the next failure would open.
  rig.runAll('FFFF');
  assert.equal(rig.state, 'closed');
});

test('a probe that fails opens it again for a full sleep, as often as it takes', () => {
  const rig = new Rig().trip();
  for (let round = 0; round < 2; round += 1) {
    rig.sleepIsOver().run(bad);
    assert.equal(rig.refuse().retryAfterMs, rig.settings.sleepMs);
  }
  rig.sleepIsOver().run(good);
  assert.equal(
    rig.path,
    'closed→open open→half_open half_open→open open→half_open half_open→open open→half_open half_open→closed',
  );
});

for (const [name, outcome] of [
  ['cancelled', clientGone],
  ['never sent', rejected('no_endpoint')],
] as const) {
  test(`a probe that was ${name} gives its token back at once`, () => {
    const rig = new Rig().trip().sleepIsOver();
    rig.run(outcome);
    assert.equal(rig.state, 'half_open');
    rig.run(good);
    assert.equal(rig.state, 'closed');
  });
}

test('a probe that times out reopens it: it is never stuck', () => {
  const rig = new Rig().trip().sleepIsOver();
  rig.run(late);
  assert.equal(rig.state, 'open');
});

test('an ignored answer is a success for a probe', () => {
  const rig = new Rig().trip().sleepIsOver();
  rig.run(ignoredSuccess(404));
  assert.equal(rig.state, 'closed');
});

test('a straggler from before the trip does not close the circuit', () => {
  const rig = new Rig();
  const straggler = rig.admit();
  rig.trip().sleepIsOver();
  rig.admit();
  straggler.settle(good, 6000, rig.now);
  assert.equal(rig.state, 'half_open');
});

test('a late failure of a straggler while open does not extend the sleep', () => {
  const rig = new Rig();
  const straggler = rig.admit();
  rig.trip();
  rig.now += 4000;
  straggler.settle(bad, 4000, rig.now);
  assert.equal(rig.refuse().retryAfterMs, 1000);
  assert.equal(rig.status.total, 20);
});

test('a straggler that fails in half-open does not reopen, nor does it after the close count as a failure', () => {
  const rig = new Rig({ volume: 1 });
  const stragglers = [rig.admit(), rig.admit()];
  rig.trip().sleepIsOver();
  const probe = rig.admit();
  stragglers[0]!.settle(bad, 5000, rig.now);
  assert.equal(rig.state, 'half_open');
  probe.settle(good, 10, rig.now);
  stragglers[1]!.settle(bad, 5000, rig.now);
  assert.equal(rig.state, 'closed');
  assert.equal(rig.status.total, 0);
});

test('a probe of an earlier half-open moves nothing', () => {
  const rig = new Rig({ probes: 2 }).trip().sleepIsOver();
  const earlier = rig.admit();
  rig.run(bad);
  rig.sleepIsOver();
  rig.admit();
  earlier.settle(good, 6000, rig.now);
  rig.run(good);
  assert.equal(rig.state, 'half_open');
});

test('with three probes at most three are out at once, three successes close, and tokens come back', () => {
  const rig = new Rig({ probes: 3 }).trip().sleepIsOver();
  const probes = [rig.admit(), rig.admit(), rig.admit()];
  rig.refuse();
  probes[0]!.settle(clientGone, 10, rig.now);
  const fourth = rig.admit();
  rig.refuse();
  probes[1]!.settle(good, 10, rig.now);
  probes[2]!.settle(good, 10, rig.now);
  assert.equal(rig.state, 'half_open');
  fourth.settle(good, 10, rig.now);
  assert.equal(rig.state, 'closed');
});

test('with three probes one failure reopens, and the others no longer matter', () => {
  const rig = new Rig({ probes: 3 }).trip().sleepIsOver();
  const probes = [rig.admit(), rig.admit(), rig.admit()];
  probes[0]!.settle(good, 10, rig.now);
  probes[1]!.settle(bad, 10, rig.now);
  probes[2]!.settle(good, 10, rig.now);
  assert.equal(rig.state, 'open');
  assert.equal(rig.status.nextProbeInMs, rig.settings.sleepMs);
});

test('attempts slower than the limit open it by their own share, even where they succeed', () => {
  const rig = new Rig({ slowerThanMs: 1000, slowPercent: 80, volume: 10 });
  for (let i = 0; i < 7; i += 1) rig.run(good, 1001);
  for (let i = 0; i < 2; i += 1) rig.run(good, 1000);
  assert.equal(rig.state, 'closed');
  rig.run(good, 5000);
  assert.equal(rig.state, 'open');
  assert.equal(rig.changes[0]!.why, '8 of 10 took longer than 1 s in 10 s, limit 80 %; next probe in 5 s');
});

test('a slow probe reopens', () => {
  const rig = new Rig({ slowerThanMs: 1000 }).trip().sleepIsOver();
  rig.run(good, 1001);
  assert.equal(rig.state, 'open');
});

test('an ignored answer that is slow is neither slow nor an attempt', () => {
  const rig = new Rig({ slowerThanMs: 1000, volume: 1 });
  rig.run(ignoredSuccess(404), 5000);
  assert.deepEqual([rig.state, rig.status.slow, rig.status.total], ['closed', 0, 0]);
});

for (const [what, answer] of [
  ['a success', good],
  ['an ignored answer', ignoredSuccess(404)],
] as const) {
  test(`failures in a row are counted anew after a close on ${what}`, () => {
    const rig = new Rig({ consecutive: 3 });
    rig.runAll('FFF');
    rig.sleepIsOver().run(answer);
    rig.runAll('FF');
    assert.equal(rig.state, 'closed');
    rig.run(bad);
    assert.equal(rig.state, 'open');
  });
}

test('failures in a row open below the volume, and a success begins anew', () => {
  const rig = new Rig({ consecutive: 3 });
  rig.runAll('FFSFF');
  assert.equal(rig.state, 'closed');
  rig.run(clientGone);
  rig.run(bad);
  assert.equal(rig.state, 'open');
  assert.match(rig.changes[0]!.why, /^3 failures in a row, limit 3;/);
});

test('a body that breaks off turns the success into a failure of the same generation', () => {
  const rig = new Rig({ volume: 2 });
  const permits = [rig.admit(), rig.admit(), rig.admit(), rig.admit()];
  for (const permit of permits) permit.settle(good, 10, rig.now);
  permits[0]!.addBodyFailure(rig.now);
  const { total, errors } = rig.status;
  assert.deepEqual({ total, errors }, { total: 4, errors: 1 });
  permits[1]!.addBodyFailure(rig.now);
  assert.equal(rig.state, 'open');
  rig.sleepIsOver().run(good);
  permits[2]!.addBodyFailure(rig.now);
  assert.equal(rig.status.errors, 0);
});

test('a body that breaks off after its head has left the window counts as an attempt of its own', () => {
  const rig = new Rig();
  const permit = rig.admit();
  permit.settle(good, 10, rig.now);
  rig.now += 60_000;
  permit.addBodyFailure(rig.now);
  const { total, errors } = rig.status;
  assert.deepEqual({ total, errors }, { total: 1, errors: 1 });
});

test('a success that leaves the window before its body breaks off leaves no failure without an attempt', () => {
  const rig = new Rig();
  rig.now = 10_000;
  const permit = rig.admit();
  permit.settle(good, 10, rig.now);
  rig.now = 19_500;
  permit.addBodyFailure(rig.now);
  rig.now = 20_000;
  const { total, errors } = rig.status;
  assert.deepEqual({ total, errors }, { total: 0, errors: 0 });
});

test('bodies that break off are failures in a row', () => {
  const rig = new Rig({ consecutive: 2 });
  const permits = [rig.admit(), rig.admit()];
  for (const permit of permits) permit.settle(good, 10, rig.now);
  for (const permit of permits) permit.addBodyFailure(rig.now);
  assert.equal(rig.state, 'open');
});

test('rejections vote only where they are told to', () => {
  const counting = new Rig({ countRejections: true });
  const plain = new Rig();
  for (let i = 0; i < 20; i += 1) {
    counting.breaker.addRejection(counting.now);
    plain.breaker.addRejection(plain.now);
  }
  assert.equal(counting.state, 'open');
  counting.breaker.addRejection(counting.now);
  assert.equal(counting.breaker.status(counting.now).total, 20, 'once it is open they are its own doing');
  assert.equal(plain.breaker.status(plain.now).total, 0);
});

test('looking at it never changes it', () => {
  const rig = new Rig().trip();
  for (let second = 0; second < 60; second += 1) {
    rig.now += 1000;
    rig.status;
    rig.breaker.peek(rig.now);
  }
  assert.equal(rig.state, 'open');
  assert.equal(rig.path, 'closed→open');
  assert.equal(rig.breaker.peek(rig.now), null);
  rig.admit();
  assert.equal(rig.breaker.peek(rig.now)?.reason, 'circuit_open');
});

test('peek says what acquire would answer', () => {
  const rig = new Rig();
  assert.equal(rig.breaker.peek(rig.now), null);
  rig.trip();
  assert.deepEqual(rig.breaker.peek(rig.now), rig.refuse());
  rig.sleepIsOver();
  assert.equal(rig.breaker.peek(rig.now), null);
  assert.equal(rig.state, 'open');
});

test('a transition is told when it is complete: the listener may use the breaker at once', () => {
  const seen: string[] = [];
  const breaker: Breaker = new Breaker(
    'reviews',
    { ...defaults, volume: 1 },
    ({ to }) => {
      seen.push(`${to}: ${breaker.status(0).state}, ${breaker.peek(0)?.reason ?? 'passes'}`);
    },
    0,
  );
  (breaker.acquire(0) as Permit).settle(bad, 10, 0);
  (breaker.acquire(6000) as Permit).settle(good, 10, 6000);
  assert.deepEqual(seen, [
    'open: open, circuit_open',
    'half_open: half_open, circuit_open',
    'closed: closed, passes',
  ]);
});

test('settling a permit twice is a defect', () => {
  const permit = new Rig().admit();
  permit.settle(good, 10, 1000);
  assert.throws(() => permit.settle(good, 10, 1000), /settled twice/);
});

test('two breakers do not affect each other', () => {
  const other = new Rig();
  new Rig().trip();
  assert.equal(other.state, 'closed');
});

/** opossum's timers are not counted as active resources once they are unref'd: count them where they are made. */
const withTimerCount = (body: (running: () => number) => void): void => {
  const { setTimeout: set, clearTimeout: clear, setInterval: setEvery } = globalThis;
  const running = new Set<unknown>();
  const track = (make: typeof set) =>
    ((callback: () => void, ms: number) => {
      const timer = make(callback, ms);
      running.add(timer);
      return timer;
    }) as typeof set;
  Object.assign(globalThis, {
    setTimeout: track(set),
    setInterval: track(setEvery as unknown as typeof set),
    clearTimeout: (timer: NodeJS.Timeout) => {
      running.delete(timer);
      clear(timer);
    },
  });
  try {
    body(() => running.size);
  } finally {
    Object.assign(globalThis, { setTimeout: set, clearTimeout: clear, setInterval: setEvery });
  }
};

test('opossum keeps at most one idle timer, while open, and none of a replaced generation', () => {
  withTimerCount((running) => {
    const rig = new Rig();
    assert.equal(running(), 0);
    rig.trip();
    for (let round = 0; round < 5; round += 1) {
      assert.equal(running(), 1);
      rig.sleepIsOver().run(bad);
    }
    rig.sleepIsOver().run(good);
    assert.equal(running(), 0);
    rig.trip();
    rig.breaker.retire(rig.now);
    assert.equal(running(), 0);
  });
});

test('a retired breaker admits what is still under way and moves no more', () => {
  const rig = new Rig({ volume: 1 });
  const before = rig.admit();
  rig.breaker.retire(rig.now);
  before.settle(bad, 10, rig.now);
  rig.runAll('FFF');
  assert.equal(rig.path, '');
});
