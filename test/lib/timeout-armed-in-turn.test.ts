import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Timeout, TimeoutQueue } from '../../src/lib/timeout-queue.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

test('a timeout that is armed while another passes does not make the one after that late', () => {
  const clock = new VirtualClock(0);
  const queue = new TimeoutQueue(clock, 100);
  const passedAt: Record<string, number> = {};
  const anew = new Timeout({ expired: () => (passedAt['anew'] = clock.now()) });
  const first = new Timeout({ expired: () => queue.arm(anew, clock.now()) });
  const second = new Timeout({ expired: () => (passedAt['second'] = clock.now()) });
  queue.arm(first, clock.now());
  clock.advance(50);
  queue.arm(second, clock.now());
  clock.advance(1000);
  assert.deepEqual(passedAt, { second: 150, anew: 200 });
  assert.equal(clock.pendingTimers, 0);
});
