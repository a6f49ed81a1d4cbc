import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
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
