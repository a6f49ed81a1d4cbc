import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bulkhead, type BulkheadWaiter, type Queued, type Slot } from '../../src/policy/bulkhead.ts';
import { type Rejected, rejected } from '../../src/policy/outcome.ts';
import type { BulkheadSettings } from '../../src/policy/policies.ts';
import { type Command, checkModel, command, often, pick, type World } from '../rig/model-runs.ts';
import { unaskedGate } from '../rig/unasked-gate.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';
import { PlainBulkhead, type Reflex } from './plain-bulkhead.ts';

class BulkheadWorld implements World {
  readonly clock = new VirtualClock(0);
  readonly gates = [unaskedGate(), unaskedGate()];
  readonly words: string[] = [];
  readonly slots = new Map<number, Slot>();
  readonly places = new Map<number, Queued>();
  readonly bulkhead: Bulkhead;
  readonly plain: PlainBulkhead;
  #names = 0;

  constructor(settings: BulkheadSettings) {
    this.bulkhead = new Bulkhead('model', settings, this.clock);
    this.plain = new PlainBulkhead(settings);
  }

  enter(gate: number, reflex: Reflex): void {
    this.#names += 1;
    const name = this.#names;
    const waiter: BulkheadWaiter = {
      gate: this.gates[gate]!,
      admitted: (slot) => {
        this.#runs(name, slot);
        if (reflex.startsWith('release')) slot.release(this.clock.now());
        if (reflex.endsWith('enter another')) this.enter(gate, 'nothing');
      },
      refused: (refusal) => {
        this.#hears(name, refusal);
        if (reflex.endsWith('enter another')) this.enter(gate, 'nothing');
      },
    };
    const answer = this.bulkhead.enter(this.clock.now(), waiter);
    if (answer.kind === 'slot') this.#runs(name, answer);
    else if (answer.kind === 'rejected') this.#hears(name, answer);
    else {
      this.places.set(name, answer);
      this.words.push(`${name} waits`);
    }
  }

  agree(): void {
    const { bulkhead, plain, clock } = this;
    assert.equal(this.words.join(', '), plain.words.join(', '));
    assert.equal(bulkhead.inFlight, plain.running.length, 'in flight');
    assert.equal(bulkhead.queued, plain.waiting.length, 'queued');
    assert.equal(bulkhead.admittedTotal, plain.admitted, 'admitted');
    assert.equal(bulkhead.completedTotal, plain.completed, 'completed');
    assert.equal(bulkhead.rejectedTotal, plain.refused, 'refused');
    assert.equal(bulkhead.maxInFlightEver, plain.mostRunning, 'most at once');
    assert.equal(bulkhead.concurrency, plain.settings.concurrency, 'limit');
    assert.equal(bulkhead.queueLimit, plain.settings.queue, 'limit of the queue');
    const timers = plain.timeouts.reduce((sum, timeouts) => sum + timeouts.timers, 0);
    assert.equal(clock.pendingTimers, timers, 'timers');
    assert.equal(bulkhead.admittedTotal - bulkhead.completedTotal, bulkhead.inFlight, 'a slot was lost');
    if (bulkhead.queued > 0) assert.ok(bulkhead.inFlight >= bulkhead.concurrency, 'waits beside a free slot');
  }

  #runs(name: number, slot: Slot): void {
    assert.ok(this.bulkhead.inFlight <= this.bulkhead.concurrency, 'above the limit');
    this.slots.set(name, slot);
    this.words.push(`${name} runs`);
  }

  #hears(name: number, { reason }: Rejected): void {
    this.words.push(`${name} ${reason}`);
  }
}

type BulkheadCommand = Command<BulkheadWorld>;

const enter = (gate: number, reflex: Reflex): BulkheadCommand =>
  command(`enter(${gate}, ${reflex})`, (world) => {
    world.plain.enter(world.plain.newRequest(gate, reflex));
    world.enter(gate, reflex);
  });

const release = (which: number): BulkheadCommand =>
  command(`release(${which})`, ({ plain, slots, clock }) => {
    const request = pick(plain.running, which);
    if (request === undefined) return;
    plain.release(request);
    slots.get(request.name)!.release(clock.now());
  });

const cancel = (which: number): BulkheadCommand =>
  command(`cancel(${which})`, ({ plain, places }) => {
    const request = pick(plain.waiting, which);
    if (request === undefined) return;
    plain.cancel(request);
    places.get(request.name)!.cancel();
  });

/** By somebody who has heard already, or has cancelled before: nothing happens. */
const cancelLate = (which: number): BulkheadCommand =>
  command(`cancel late(${which})`, ({ plain, places }) => {
    const waiting = new Set(plain.waiting.map(({ name }) => name));
    const name = pick(
      [...places.keys()].filter((other) => !waiting.has(other)),
      which,
    );
    if (name !== undefined) places.get(name)!.cancel();
  });

const wait = (ms: number): BulkheadCommand =>
  command(`wait(${ms})`, ({ plain, clock }) => {
    plain.advance(ms);
    clock.advance(ms);
  });

const trip = (gate: number): BulkheadCommand =>
  command(`trip(${gate})`, ({ plain, bulkhead, gates }) => {
    plain.trip(gate);
    bulkhead.refuseWaiting(gates[gate]!, rejected('circuit_open'));
  });

const update = (settings: BulkheadSettings): BulkheadCommand =>
  command(`update(${JSON.stringify(settings)})`, ({ plain, bulkhead }) => {
    plain.update(settings);
    bulkhead.update(settings);
  });

test('whatever happens to it, it never runs too many, loses no slot and tells each waiter its fate once and in turn', () => {
  const settings = fc.record({
    concurrency: fc.integer({ min: 1, max: 4 }),
    queue: fc.nat(5),
    queueTimeoutMs: fc.constantFrom(60, 100),
  });
  const reflex = fc.constantFrom<Reflex>(
    'nothing',
    'nothing',
    'nothing',
    'release',
    'enter another',
    'release and enter another',
  );
  checkModel(settings, (chosen) => new BulkheadWorld(chosen), [
    often(
      8,
      fc.tuple(fc.nat(1), reflex).map(([gate, what]) => enter(gate, what)),
    ),
    often(5, fc.nat(3).map(release)),
    often(1, fc.nat(4).map(cancel)),
    often(1, fc.nat(20).map(cancelLate)),
    often(3, fc.nat(80).map(wait)),
    often(1, fc.nat(1).map(trip)),
    often(1, settings.map(update)),
  ]);
});
