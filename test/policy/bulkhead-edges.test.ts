import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bulkhead } from '../../src/policy/bulkhead.ts';
import { unaskedGate } from '../rig/unasked-gate.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

test('a bulkhead that is closed leaves no timer behind, even of somebody who has left the queue', () => {
  const clock = new VirtualClock(0);
  const bulkhead = new Bulkhead('reviews', { concurrency: 1, queue: 1, queueTimeoutMs: 1000 }, clock);
  const waiter = { gate: unaskedGate(), admitted() {}, refused() {} };
  bulkhead.enter(0, waiter);
  const place = bulkhead.enter(0, waiter);
  assert.ok(place.kind === 'queued');
  place.cancel();
  assert.equal(clock.pendingTimers, 1);
  bulkhead.close();
  assert.equal(clock.pendingTimers, 0);
});
