import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Bulkhead, type BulkheadWaiter, type Queued, type Slot } from '../../src/policy/bulkhead.ts';
import { type Rejected, rejected } from '../../src/policy/outcome.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const QUEUE_TIMEOUT_MS = 100;

interface Model {
  concurrency: number;
  queue: number;
  now: number;
  nextId: number;
  running: number[];
  waiting: { id: number; until: number; group: number }[];
  /** What every request has heard last. */
  fate: Map<number, string>;
}

const admitWaiting = (model: Model): void => {
  while (model.waiting.length > 0 && model.running.length < model.concurrency) {
    const { id } = model.waiting.shift()!;
    model.running.push(id);
    model.fate.set(id, 'running');
  }
};

class Real {
  readonly clock = new VirtualClock(0);
  readonly fate = new Map<number, string>();
  readonly slots = new Map<number, Slot>();
  readonly places = new Map<number, Queued>();
  readonly groups = new Map<BulkheadWaiter, number>();
  readonly bulkhead: Bulkhead;

  constructor(concurrency: number, queue: number) {
    this.bulkhead = new Bulkhead(
      'model',
      { concurrency, queue, queueTimeoutMs: QUEUE_TIMEOUT_MS },
      this.clock,
    );
  }

  enter(id: number, group: number): void {
    const waiter: BulkheadWaiter = {
      admitted: (slot: Slot) => {
        this.slots.set(id, slot);
        this.fate.set(id, 'running');
      },
      refused: (why: Rejected) => {
        this.fate.set(id, why.reason);
      },
    };
    this.groups.set(waiter, group);
    const answer = this.bulkhead.enter(this.clock.now(), waiter);
    if (answer.kind === 'slot') waiter.admitted(answer, this.clock.now());
    else if (answer.kind === 'rejected') waiter.refused(answer);
    else {
      this.places.set(id, answer);
      this.fate.set(id, 'waiting');
    }
  }

  agreesWith(model: Model): void {
    const { inFlight, queued, admittedTotal, completedTotal, rejectedTotal } = this.bulkhead;
    assert.deepEqual([inFlight, queued], [model.running.length, model.waiting.length]);
    assert.equal(admittedTotal - completedTotal, inFlight);
    assert.deepEqual([...this.fate], [...model.fate]);
    const refusals = [...model.fate.values()].filter(
      (word) => word === 'bulkhead_full' || word === 'queue_timeout',
    );
    assert.equal(rejectedTotal, refusals.length);
  }
}

type Command = fc.Command<Model, Real>;

/** A command that may always run; `act` does the same to both sides. */
const command = (name: string, act: (model: Model, real: Real) => void): Command => ({
  check: () => true,
  run: (model, real) => {
    act(model, real);
    real.agreesWith(model);
  },
  toString: () => name,
});

const enter = (group: number): Command =>
  command(`enter(${group})`, (model, real) => {
    const id = model.nextId++;
    const free = Math.max(0, model.concurrency - model.running.length);
    if (free > 0) model.running.push(id);
    else if (model.waiting.length < model.queue)
      model.waiting.push({ id, until: model.now + QUEUE_TIMEOUT_MS, group });
    const isWaiting = model.waiting.at(-1)?.id === id;
    model.fate.set(id, free > 0 ? 'running' : isWaiting ? 'waiting' : 'bulkhead_full');
    real.enter(id, group);
  });

const release = (which: number): Command =>
  command(`release(${which})`, (model, real) => {
    if (model.running.length === 0) return;
    const [id] = model.running.splice(which % model.running.length, 1);
    model.fate.set(id!, 'released');
    real.fate.set(id!, 'released');
    admitWaiting(model);
    real.slots.get(id!)!.release(real.clock.now());
  });

const cancel = (which: number): Command =>
  command(`cancel(${which})`, (model, real) => {
    const [gone] = model.waiting.length > 0 ? model.waiting.splice(which % model.waiting.length, 1) : [];
    if (gone === undefined) return;
    model.fate.set(gone.id, 'cancelled');
    real.fate.set(gone.id, 'cancelled');
    real.places.get(gone.id)!.cancel();
  });

const wait = (ms: number): Command =>
  command(`wait(${ms})`, (model, real) => {
    model.now += ms;
    for (const { id, until } of model.waiting) if (until <= model.now) model.fate.set(id, 'queue_timeout');
    model.waiting = model.waiting.filter(({ until }) => until > model.now);
    real.clock.advance(ms);
  });

const trip = (group: number): Command =>
  command(`trip(${group})`, (model, real) => {
    for (const place of model.waiting) if (place.group === group) model.fate.set(place.id, 'circuit_open');
    model.waiting = model.waiting.filter((place) => place.group !== group);
    real.bulkhead.refuseWaiting((waiter) => real.groups.get(waiter) === group, rejected('circuit_open'));
  });

const update = (concurrency: number, queue: number): Command =>
  command(`update(${concurrency}, ${queue})`, (model, real) => {
    model.concurrency = concurrency;
    model.queue = queue;
    admitWaiting(model);
    real.bulkhead.update({ concurrency, queue, queueTimeoutMs: QUEUE_TIMEOUT_MS });
  });

test('whatever happens to it, it never runs too many, loses no slot and tells each waiter its fate', () => {
  const commands = fc.commands(
    [
      fc.nat(1).map(enter),
      fc.nat(1).map(enter),
      fc.nat(20).map(release),
      fc.nat(20).map(cancel),
      fc.nat(80).map(wait),
      fc.nat(1).map(trip),
      fc
        .tuple(fc.integer({ min: 1, max: 5 }), fc.nat(4))
        .map(([concurrency, queue]) => update(concurrency, queue)),
    ],
    { maxCommands: 60 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.nat(4), commands, (concurrency, queue, run) => {
      const model: Model = {
        concurrency,
        queue,
        now: 0,
        nextId: 0,
        running: [],
        waiting: [],
        fate: new Map(),
      };
      const real = new Real(concurrency, queue);
      fc.modelRun(() => ({ model, real }), run);
      // A release may admit another, which the map then holds too.
      for (const [id, slot] of real.slots)
        if (real.fate.get(id) === 'running') slot.release(real.clock.now());
      assert.deepEqual([real.bulkhead.inFlight, real.bulkhead.queued], [0, 0]);
      real.clock.advance(QUEUE_TIMEOUT_MS);
      assert.equal(real.clock.pendingTimers, 0);
    }),
    { numRuns: 3000 },
  );
});
