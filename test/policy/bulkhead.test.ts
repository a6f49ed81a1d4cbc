import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Bulkhead, type BulkheadWaiter, type Queued, type Slot } from '../../src/policy/bulkhead.ts';
import type { Gate } from '../../src/policy/gate.ts';
import { type Rejected, rejected } from '../../src/policy/outcome.ts';
import { unaskedGate } from '../rig/unasked-gate.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const anyGate = unaskedGate();

/** A request at the bulkhead, which notes what it hears. */
class Request implements BulkheadWaiter {
  readonly name: string;
  readonly heard: string[];
  readonly gate: Gate;
  slot: Slot | null = null;
  place: Queued | null = null;

  constructor(name: string, heard: string[], gate = anyGate) {
    this.name = name;
    this.heard = heard;
    this.gate = gate;
  }

  admitted(slot: Slot): void {
    this.slot = slot;
    this.heard.push(`${this.name} admitted`);
  }

  refused(why: Rejected): void {
    this.heard.push(`${this.name} ${why.reason}`);
  }
}

class Rig {
  readonly clock = new VirtualClock(0);
  readonly heard: string[] = [];
  readonly bulkhead: Bulkhead;

  constructor(concurrency: number, queue: number, queueTimeoutMs = 1000) {
    this.bulkhead = new Bulkhead('reviews', { concurrency, queue, queueTimeoutMs }, this.clock);
  }

  enter(request: Request | string): Request {
    const entering = typeof request === 'string' ? new Request(request, this.heard) : request;
    const answer = this.bulkhead.enter(this.clock.now(), entering);
    if (answer.kind === 'slot') entering.admitted(answer);
    else if (answer.kind === 'queued') entering.place = answer;
    else entering.refused(answer);
    return entering;
  }

  enterAll(...names: string[]): Request[] {
    return names.map((name) => this.enter(name));
  }

  release(request: Request): void {
    request.slot!.release(this.clock.now());
  }
}

test('with one slot and one place the first runs, the second waits, the third is refused at once', () => {
  const rig = new Rig(1, 1);
  const [first] = rig.enterAll('a', 'b', 'c');
  assert.deepEqual(rig.heard, ['a admitted', 'c bulkhead_full']);
  rig.release(first!);
  assert.deepEqual(rig.heard.slice(2), ['b admitted']);
});

test('without a queue the next one is refused without waiting', () => {
  const rig = new Rig(1, 0);
  rig.enterAll('a', 'b');
  assert.deepEqual(rig.heard, ['a admitted', 'b bulkhead_full']);
  assert.equal(rig.clock.pendingTimers, 0);
});

test('a hundred at once on ten slots and five places: ten run, five wait, eighty-five are refused', () => {
  const rig = new Rig(10, 5);
  for (let i = 0; i < 100; i += 1) rig.enter(`${i}`);
  const { inFlight, queued, rejectedTotal, admittedTotal, maxInFlightEver } = rig.bulkhead;
  assert.deepEqual([inFlight, queued, rejectedTotal, admittedTotal, maxInFlightEver], [10, 5, 85, 10, 10]);
});

test('those who wait are admitted in the order in which they came', () => {
  const rig = new Rig(1, 3);
  const requests = rig.enterAll('a', 'b', 'c', 'd');
  for (const request of requests) rig.release(request);
  assert.deepEqual(rig.heard, ['a admitted', 'b admitted', 'c admitted', 'd admitted']);
  assert.equal(rig.bulkhead.completedTotal, 4);
});

test('who waits too long is refused, each at its own time, and keeps no timer', () => {
  const rig = new Rig(1, 2, 1000);
  rig.enter('a');
  rig.enter('b');
  rig.clock.advance(600);
  rig.enter('c');
  rig.clock.advance(400);
  assert.deepEqual(rig.heard, ['a admitted', 'b queue_timeout']);
  rig.clock.advance(600);
  assert.deepEqual(rig.heard, ['a admitted', 'b queue_timeout', 'c queue_timeout']);
  assert.deepEqual([rig.bulkhead.queued, rig.bulkhead.rejectedTotal], [0, 2]);
  assert.equal(rig.clock.pendingTimers, 0);
});

test('who is admitted in time is not refused later', () => {
  const rig = new Rig(1, 1);
  const [first] = rig.enterAll('a', 'b');
  rig.clock.advance(999);
  rig.release(first!);
  rig.clock.advance(5000);
  assert.deepEqual(rig.heard, ['a admitted', 'b admitted']);
});

test('who cancels hears nothing more and frees its place; cancelling again is harmless', () => {
  const rig = new Rig(1, 1);
  const [first, second] = rig.enterAll('a', 'b');
  second!.place!.cancel();
  second!.place!.cancel();
  const third = rig.enter('c');
  rig.release(first!);
  third.place!.cancel();
  assert.deepEqual(rig.heard, ['a admitted', 'c admitted']);
  assert.deepEqual([rig.bulkhead.queued, rig.bulkhead.inFlight], [0, 1]);
});

test('releasing a slot twice is a defect', () => {
  const rig = new Rig(1, 0);
  const first = rig.enter('a');
  rig.release(first);
  assert.throws(() => rig.release(first), /released twice/);
  assert.equal(rig.bulkhead.inFlight, 0);
});

test('when a breaker trips, only those waiting for its route are refused', () => {
  const rig = new Rig(1, 4);
  const tripped = unaskedGate();
  const first = rig.enter('running');
  for (const [name, gate] of [
    ['x1', tripped],
    ['y1', anyGate],
    ['x2', tripped],
    ['y2', anyGate],
  ] as const) {
    rig.enter(new Request(name, rig.heard, gate));
  }

  rig.bulkhead.refuseWaiting(tripped, rejected('circuit_open'));

  assert.deepEqual(rig.heard.slice(1), ['x1 circuit_open', 'x2 circuit_open']);
  rig.release(first);
  assert.deepEqual(rig.heard.slice(3), ['y1 admitted']);
  assert.deepEqual([rig.bulkhead.queued, rig.bulkhead.rejectedTotal], [1, 0]);
});

test('a refused waiter may enter again, or cancel another, before the others hear of it', () => {
  const rig = new Rig(1, 3);
  rig.enter('running');
  const [first, second] = rig.enterAll('a', 'b');
  first!.refused = () => {
    rig.heard.push('a refused');
    second!.place!.cancel();
    rig.enter('again');
  };
  rig.bulkhead.refuseWaiting(anyGate, rejected('circuit_open'));
  assert.deepEqual(rig.heard, ['running admitted', 'a refused']);
  assert.equal(rig.bulkhead.queued, 1);
});

test('a raised concurrency admits who waits; a lowered one admits nobody until enough have left', () => {
  const rig = new Rig(1, 5);
  const first = rig.enter('a');
  const [second, third] = rig.enterAll('b', 'c', 'd');
  rig.bulkhead.update({ concurrency: 3, queue: 5, queueTimeoutMs: 1000 });
  assert.deepEqual(rig.heard, ['a admitted', 'b admitted', 'c admitted']);
  rig.bulkhead.update({ concurrency: 1, queue: 0, queueTimeoutMs: 1000 });
  rig.release(first);
  rig.release(second!);
  assert.equal(rig.bulkhead.queued, 1);
  rig.release(third!);
  assert.deepEqual(rig.heard.slice(3), ['d admitted']);
});

test('a changed queue time holds for those who come after', () => {
  const rig = new Rig(1, 5, 1000);
  rig.enterAll('a', 'b');
  rig.bulkhead.update({ concurrency: 1, queue: 5, queueTimeoutMs: 100 });
  rig.enter('c');
  rig.clock.advance(100);
  assert.deepEqual(rig.heard, ['a admitted', 'c queue_timeout']);
  rig.clock.advance(900);
  assert.deepEqual(rig.heard, ['a admitted', 'c queue_timeout', 'b queue_timeout']);
  assert.equal(rig.clock.pendingTimers, 0);
});

test('a waiter that releases and enters again while it is admitted neither overtakes nor finds its own place taken', () => {
  const rig = new Rig(1, 2);
  const first = rig.enter('a');
  const second = new Request('b', rig.heard);
  second.admitted = (slot) => {
    rig.heard.push('b admitted');
    slot.release(rig.clock.now());
    rig.enter('b again');
    rig.enter('b once more');
  };
  rig.enter(second);
  rig.enter('c');
  rig.release(first);
  assert.deepEqual(rig.heard, ['a admitted', 'b admitted', 'c admitted']);
  assert.deepEqual([rig.bulkhead.inFlight, rig.bulkhead.queued], [1, 2]);
});

test('a hundred thousand waiters that release at once do not exhaust the stack', () => {
  const rig = new Rig(1, 100_000);
  const first = rig.enter('a');
  const atOnce: BulkheadWaiter = {
    gate: anyGate,
    admitted: (slot, now) => slot.release(now),
    refused: () => assert.fail(),
  };
  for (let i = 0; i < 100_000; i += 1) rig.bulkhead.enter(rig.clock.now(), atOnce);
  rig.release(first);
  assert.deepEqual(
    [rig.bulkhead.inFlight, rig.bulkhead.queued, rig.bulkhead.completedTotal],
    [0, 0, 100_001],
  );
});
