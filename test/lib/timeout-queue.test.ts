import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Clock } from '../../src/lib/clock.ts';
import { Timeout, TimeoutQueue } from '../../src/lib/timeout-queue.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

class Waiter {
  readonly timeout = new Timeout(this);
  readonly expiredAt: number[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  expired(): void {
    this.expiredAt.push(this.#clock.now());
  }
}

test('an armed timeout passes once, at its time', () => {
  const clock = new VirtualClock(0);
  const queue = new TimeoutQueue(clock, 100);
  const waiter = new Waiter(clock);
  queue.arm(waiter.timeout, clock.now());
  clock.advance(99);
  assert.deepEqual(waiter.expiredAt, []);
  clock.advance(1000);
  assert.deepEqual(waiter.expiredAt, [100]);
});

test('a disarmed timeout never passes, and the timer does not stay', () => {
  const clock = new VirtualClock(0);
  const queue = new TimeoutQueue(clock, 100);
  const waiter = new Waiter(clock);
  queue.arm(waiter.timeout, clock.now());
  waiter.timeout.disarm();
  clock.advance(1000);
  assert.deepEqual(waiter.expiredAt, []);
  assert.equal(clock.pendingTimers, 0);
});

test('touching gives the full time again, but does not wake an idle timeout', () => {
  const clock = new VirtualClock(0);
  const queue = new TimeoutQueue(clock, 100);
  const armed = new Waiter(clock);
  const idle = new Waiter(clock);
  queue.arm(armed.timeout, clock.now());
  clock.advance(60);
  queue.touch(armed.timeout, clock.now());
  queue.touch(idle.timeout, clock.now());
  clock.advance(1000);
  assert.deepEqual(armed.expiredAt, [160]);
  assert.deepEqual(idle.expiredAt, []);
});

test('an infinite duration arms nothing', () => {
  const clock = new VirtualClock(0);
  const queue = new TimeoutQueue(clock, Number.POSITIVE_INFINITY);
  queue.arm(new Waiter(clock).timeout, clock.now());
  assert.equal(clock.pendingTimers, 0);
});

test('one timer of the clock serves any number of timeouts, and closing stops it', () => {
  const clock = new VirtualClock(0);
  const queue = new TimeoutQueue(clock, 100);
  const waiters = Array.from({ length: 50 }, () => new Waiter(clock));
  for (const waiter of waiters) queue.arm(waiter.timeout, clock.now());
  assert.equal(clock.pendingTimers, 1);
  queue.close();
  assert.equal(clock.pendingTimers, 0);
  clock.advance(1000);
  assert.ok(waiters.every((waiter) => waiter.expiredAt.length === 0));
});

test('an owner may arm itself again, and disarm others, while it hears of its timeout', () => {
  const clock = new VirtualClock(0);
  const queue = new TimeoutQueue(clock, 100);
  const other = new Waiter(clock);
  const again: Waiter = new (class extends Waiter {
    override expired(): void {
      super.expired();
      other.timeout.disarm();
      if (this.expiredAt.length < 3) queue.arm(this.timeout, clock.now());
    }
  })(clock);
  queue.arm(again.timeout, clock.now());
  queue.arm(other.timeout, clock.now());
  clock.advance(1000);
  assert.deepEqual(again.expiredAt, [100, 200, 300]);
  assert.deepEqual(other.expiredAt, []);
});

test('arming in another queue leaves the first one', () => {
  const clock = new VirtualClock(0);
  const short = new TimeoutQueue(clock, 10);
  const long = new TimeoutQueue(clock, 100);
  const waiter = new Waiter(clock);
  short.arm(waiter.timeout, clock.now());
  long.arm(waiter.timeout, clock.now());
  clock.advance(1000);
  assert.deepEqual(waiter.expiredAt, [100]);
});

/** A queue of 1 s with one timeout that is armed at 0. */
const oneArmed = () => {
  const clock = new VirtualClock(0);
  const queue = new TimeoutQueue(clock, 1000);
  const waiter = new Waiter(clock);
  queue.arm(waiter.timeout, 0);
  return { clock, queue, waiter };
};

test('after a blocked loop nothing passes before what arrived meanwhile could be read', () => {
  const { clock, queue, waiter } = oneArmed();
  const answered = new Waiter(clock);
  queue.arm(answered.timeout, 0);

  clock.block(3000);
  answered.timeout.disarm();
  clock.advance(99);
  assert.deepEqual(waiter.expiredAt, []);
  clock.advance(10_000);

  assert.deepEqual(waiter.expiredAt, [3100]);
  assert.deepEqual(answered.expiredAt, []);
});

test('the grace after a short block is a tenth of it', () => {
  const { clock, waiter } = oneArmed();

  clock.block(1050);
  clock.advance(10_000);

  assert.deepEqual(waiter.expiredAt, [1055]);
});

test('a busy loop that is only a little late gives no grace', () => {
  const { clock, waiter } = oneArmed();

  clock.block(1020);

  assert.deepEqual(waiter.expiredAt, [1020]);
});

test('a block that ends before anything is due changes nothing', () => {
  const { clock, waiter } = oneArmed();

  clock.block(999);
  clock.advance(10_000);

  assert.deepEqual(waiter.expiredAt, [1000]);
});

test('a loop that is always late still lets its timeouts pass: there is no second grace in a row', () => {
  const { clock, queue, waiter } = oneArmed();
  const next = new Waiter(clock);

  clock.block(2000);
  queue.arm(next.timeout, 2000);
  clock.block(500);
  assert.deepEqual(waiter.expiredAt, [2500]);

  // And the one after that is a first one again.
  clock.block(2000);
  assert.deepEqual(next.expiredAt, []);
  clock.advance(100);
  assert.deepEqual(next.expiredAt, [4600]);
});

test('a timeout that is armed after the block has its full time', () => {
  const { clock, queue, waiter } = oneArmed();

  clock.block(2000);
  const late = new Waiter(clock);
  queue.arm(late.timeout, clock.now());
  clock.advance(10_000);

  assert.deepEqual(waiter.expiredAt, [2100]);
  assert.deepEqual(late.expiredAt, [3000]);
});

test('a block while nothing is armed uses no grace up', () => {
  const { clock, queue, waiter } = oneArmed();
  waiter.timeout.disarm();
  clock.block(5000);
  queue.arm(waiter.timeout, clock.now());

  clock.block(1500);
  assert.deepEqual(waiter.expiredAt, []);
  clock.advance(100);

  assert.deepEqual(waiter.expiredAt, [6550]);
});

test('owners that take long to hear of their timeouts do not make the next look late', () => {
  const clock = new VirtualClock(0);
  const queue = new TimeoutQueue(clock, 100);
  const slow: Waiter = new (class extends Waiter {
    override expired(): void {
      clock.work(60);
    }
  })(clock);
  const second = new Waiter(clock);
  queue.arm(slow.timeout, clock.now());
  clock.advance(30);
  queue.arm(second.timeout, clock.now());

  clock.advance(1000);

  // Due at 130, in the middle of what the first one's owner did.
  assert.deepEqual(second.expiredAt, [160]);
});

test('a timer that goes off a hair early is followed by one more look, not by many', () => {
  const clock = new VirtualClock(0);
  let timers = 0;
  const hasty: Clock = {
    now: () => clock.now(),
    wallTime: () => clock.wallTime(),
    // As the system does it: whole milliseconds, counted from a moment whose fraction was cut off.
    after: (delayMs, callback) => {
      timers += 1;
      return clock.after(Math.max(1, Math.ceil(delayMs)) - 0.7, callback);
    },
  };
  const queue = new TimeoutQueue(hasty, 100);
  const waiter = new Waiter(clock);
  queue.arm(waiter.timeout, 0);

  clock.advance(1000);

  assert.equal(waiter.expiredAt.length, 1);
  assert.ok(waiter.expiredAt[0]! >= 100 && waiter.expiredAt[0]! < 101, `${waiter.expiredAt}`);
  assert.ok(timers <= 4, `${timers} timers for one timeout`);
});

test('a timeout is overdue when its time has passed and it was not told', () => {
  const { clock, waiter } = oneArmed();

  assert.equal(waiter.timeout.isOverdue(999), false);
  clock.block(1500);
  assert.equal(waiter.timeout.isOverdue(clock.now()), true);
  waiter.timeout.disarm();

  assert.equal(waiter.timeout.isOverdue(clock.now()), false);
});

test('however the loop is blocked, each passes exactly once, never early, and within two blocks and a grace', () => {
  const step = fc.record({ what: fc.constantFrom('arm', 'wait', 'block'), ms: fc.nat(400) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new VirtualClock(0);
      const queue = new TimeoutQueue(clock, 100);
      const armed: { readonly waiter: Waiter; readonly at: number }[] = [];
      for (const { what, ms } of steps) {
        if (what === 'wait') clock.advance(ms);
        if (what === 'block') clock.block(ms);
        if (what !== 'arm') continue;
        const waiter = new Waiter(clock);
        armed.push({ waiter, at: clock.now() });
        queue.arm(waiter.timeout, clock.now());
      }
      clock.advance(1000);
      for (const { waiter, at } of armed) {
        assert.equal(waiter.expiredAt.length, 1);
        const lateMs = waiter.expiredAt[0]! - at - 100;
        assert.ok(lateMs >= 0 && lateMs <= 400 + 400 + 40, `${lateMs} ms late`);
      }
      assert.equal(clock.pendingTimers, 0);
    }),
    { numRuns: 1000 },
  );
});

test('whatever is armed, touched and disarmed passes exactly when a list of due times says', () => {
  const step = fc.record({
    who: fc.nat(4),
    what: fc.constantFrom('arm', 'touch', 'disarm', 'wait'),
    ms: fc.nat(70),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new VirtualClock(0);
      const queue = new TimeoutQueue(clock, 100);
      const waiters = Array.from({ length: 5 }, () => new Waiter(clock));
      const dueAt = new Map<number, number>();
      const expected: number[][] = waiters.map(() => []);
      const advance = (ms: number) => {
        clock.advance(ms);
        for (const [who, due] of dueAt) {
          if (due > clock.now()) continue;
          expected[who]!.push(due);
          dueAt.delete(who);
        }
      };
      for (const { who, what, ms } of steps) {
        const { timeout } = waiters[who]!;
        if (what === 'arm') queue.arm(timeout, clock.now());
        if (what === 'touch') queue.touch(timeout, clock.now());
        if (what === 'disarm') timeout.disarm();
        if (what === 'arm' || (what === 'touch' && dueAt.has(who))) dueAt.set(who, clock.now() + 100);
        if (what === 'disarm') dueAt.delete(who);
        if (what === 'wait') advance(ms);
      }
      advance(1000);
      assert.deepEqual(
        waiters.map((waiter) => waiter.expiredAt),
        expected,
      );
      assert.equal(clock.pendingTimers, 0);
    }),
    { numRuns: 1000 },
  );
});
