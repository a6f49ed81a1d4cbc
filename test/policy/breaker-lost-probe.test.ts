import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientGone } from '../../src/policy/outcome.ts';
import { bad, good, Rig } from './breaker-rig.ts';

test('a probe of which nothing is heard for a whole sleep is lost, and another may go', () => {
  const rig = new Rig().trip().sleepIsOver();
  rig.admit();
  rig.now += rig.settings.sleepMs;
  rig.refuse();
  rig.now += 1;
  assert.equal(rig.breaker.peek(rig.now), null);
  assert.equal(rig.admit().isProbe, true);
  assert.deepEqual(rig.status.probes, { needed: 1, succeeded: 0, inFlight: 1, lost: 1 });
  assert.equal(rig.state, 'half_open');
});

test('who is refused while the probe is out is told when another one may go', () => {
  const rig = new Rig().trip().sleepIsOver();
  rig.admit();
  rig.now += 1500;
  const { retryAfterMs, detail } = rig.refuse();
  assert.deepEqual([retryAfterMs, detail], [3500, 'a probe has not answered yet']);
  assert.equal(rig.status.nextProbeInMs, 3500);
});

test('however many probes hang, the upstream gets one a sleep', () => {
  const rig = new Rig().trip().sleepIsOver();
  let admitted = 0;
  for (let elapsed = 0; elapsed < 60_000; elapsed += 100) {
    if (rig.breaker.acquire(rig.now).kind === 'permit') admitted += 1;
    rig.now += 100;
  }
  assert.equal(admitted, 12);
  assert.equal(rig.status.probes.lost, 11);
});

test('of three probes all are lost together, one sleep after the latest, and three more may go', () => {
  const rig = new Rig({ probes: 3 }).trip().sleepIsOver();
  rig.admit();
  rig.admit();
  rig.now += 4000;
  rig.admit();
  rig.now += rig.settings.sleepMs;
  rig.refuse();
  rig.now += 1;
  for (let probe = 0; probe < 3; probe += 1) rig.admit();
  rig.refuse();
  assert.deepEqual(rig.status.probes, { needed: 3, succeeded: 0, inFlight: 3, lost: 3 });
});

test('what has succeeded still counts when the others are lost: only as many go as are still needed', () => {
  const rig = new Rig({ probes: 3 }).trip().sleepIsOver();
  const probes = [rig.admit(), rig.admit(), rig.admit()];
  probes[0]!.settle(good, 10, rig.now);
  rig.sleepIsOver();
  const later = [rig.admit(), rig.admit()];
  rig.refuse();
  for (const probe of later) probe.settle(good, 10, rig.now);
  assert.equal(rig.state, 'closed');
});

test('while a place is free nobody is lost', () => {
  const rig = new Rig({ probes: 2 }).trip().sleepIsOver();
  rig.admit();
  rig.sleepIsOver();
  rig.admit();
  rig.refuse();
  assert.deepEqual(rig.status.probes, { needed: 2, succeeded: 0, inFlight: 2, lost: 0 });
});

for (const [verdict, outcome, state] of [
  ['succeeds', good, 'closed'],
  ['fails', bad, 'open'],
] as const) {
  test(`a lost probe that ${verdict} after all decides, and its successor no longer does`, () => {
    const rig = new Rig().trip().sleepIsOver();
    const lost = rig.admit();
    rig.sleepIsOver();
    const successor = rig.admit();
    lost.settle(outcome, 6000, rig.now);
    assert.equal(rig.state, state);
    successor.settle(outcome === good ? bad : good, 10, rig.now);
    assert.equal(rig.state, state);
  });
}

test('a lost probe whose client leaves gives back no place but its own, which is gone', () => {
  const rig = new Rig().trip().sleepIsOver();
  const lost = rig.admit();
  rig.sleepIsOver();
  rig.admit();
  lost.settle(clientGone, 6000, rig.now);
  rig.refuse();
  assert.equal(rig.status.probes.inFlight, 1);
});

test('a place that was given back can be taken at once, without waiting for a sleep', () => {
  const rig = new Rig().trip().sleepIsOver();
  rig.run(clientGone);
  assert.equal(rig.status.nextProbeInMs, 0);
  assert.equal(rig.admit().isProbe, true);
});

test('another sleep counts from the next half-open: nothing is lost that belongs to an earlier one', () => {
  const rig = new Rig().trip().sleepIsOver();
  rig.admit();
  rig.sleepIsOver();
  rig.run(bad);
  rig.sleepIsOver();
  rig.admit();
  assert.deepEqual(rig.status.probes, { needed: 1, succeeded: 0, inFlight: 1, lost: 0 });
});
