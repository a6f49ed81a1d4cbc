import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Plan } from '../../src/proxy/plan.ts';
import { UnlistedDestinations } from '../../src/proxy/unlisted.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const setUp = (max: number) => {
  const clock = new VirtualClock();
  const busy = new Set<string>();
  const open = new Set<string>();
  const closed: string[] = [];
  const destinations = new UnlistedDestinations({
    clock,
    max,
    idleMs: 1000,
    create: (name) => ({
      plan: { kind: 'plan', upstreamName: name } as Plan,
      mayMakeRoom: () => !busy.has(name) && !open.has(name),
      isForgettable: () => !busy.has(name),
      replaced: () => {},
      close: () => closed.push(name),
    }),
  });
  const ask = (host: string): string => {
    const plan = destinations.planFor({ host, port: 80 });
    return plan.kind === 'rejected' ? plan.reason : plan.upstreamName;
  };
  return { clock, busy, open, closed, destinations, ask };
};

test('the destination that was unused for longest makes room', () => {
  const { ask, closed } = setUp(2);
  ask('a');
  ask('b');
  ask('a');

  assert.equal(ask('c'), 'c:80');
  assert.deepEqual(closed, ['b:80']);
});

test('one that is busy or whose circuit is open never makes room, and a newcomer is refused', () => {
  const { ask, closed, busy, open } = setUp(2);
  ask('a');
  ask('b');
  busy.add('a:80');
  open.add('b:80');

  assert.equal(ask('c'), 'too_many_destinations');
  assert.deepEqual(closed, []);
});

test('one that nobody asks for again is forgotten in time, its circuit open or not; a busy one is not', () => {
  const { ask, closed, busy, open, clock, destinations } = setUp(3);
  ask('a');
  ask('b');
  ask('c');
  open.add('b:80');
  busy.add('c:80');

  clock.advance(1250);

  assert.deepEqual(closed, ['a:80', 'b:80']);
  assert.equal(destinations.size, 1);
});

test('what is in use is not forgotten, and nothing is left to wait for when all are', () => {
  const { ask, closed, clock, destinations } = setUp(3);
  ask('a');
  for (let i = 0; i < 5; i += 1) {
    clock.advance(900);
    ask('a');
  }
  assert.deepEqual(closed, []);

  clock.advance(1250);

  assert.equal(destinations.size, 0);
  assert.equal(clock.pendingTimers, 0);
});

test('what nobody asks for is forgotten in time, however often bounds are taken over that are those of before', () => {
  const { ask, closed, clock, destinations } = setUp(3);
  ask('a');
  for (let i = 0; i < 13; i += 1) {
    clock.advance(100);
    destinations.update({ max: 3, idleMs: 1000 });
  }
  assert.deepEqual(closed, ['a:80']);
});

test('a shorter time without use holds for those that are remembered', () => {
  const { ask, closed, clock, destinations } = setUp(3);
  ask('a');
  destinations.update({ max: 3, idleMs: 100 });
  clock.advance(125);
  assert.deepEqual(closed, ['a:80']);
});
