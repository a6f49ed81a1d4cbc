import assert from 'node:assert/strict';
import { test } from 'node:test';
import { good, Rig } from './breaker-rig.ts';

test('forced open, nothing passes; released, the state is what it was', () => {
  const rig = new Rig();
  rig.breaker.force('open', rig.now);
  rig.refuse();
  assert.equal(rig.breaker.peek(rig.now)?.reason, 'circuit_open');
  assert.deepEqual([rig.state, rig.status.isOpen], ['closed', true]);
  rig.breaker.force('none', rig.now);
  rig.run(good);
  assert.equal(rig.path, 'closed→open open→closed');
  assert.deepEqual(
    rig.changes.map(({ why }) => why),
    ['forced open by hand', 'no longer forced'],
  );
});

test('forced closed, everything passes and still counts; released, the state underneath comes to light', () => {
  const rig = new Rig({ force: 'closed' });
  rig.runAll('F'.repeat(30));
  const { state, isOpen, errorPercent, total } = rig.status;
  assert.deepEqual(
    { state, isOpen, errorPercent, total },
    { state: 'open', isOpen: false, errorPercent: 100, total: 30 },
  );
  assert.equal(rig.path, '');
  rig.sleepIsOver();
  rig.run(good);
  assert.equal(rig.state, 'open', 'an attempt under force is no probe');
  rig.breaker.force('none', rig.now);
  assert.equal(rig.path, 'closed→open');
  assert.equal(rig.admit().isProbe, true, 'the sleep went on underneath');
});

test('a refusal while forced open by hand says when that ends', () => {
  const rig = new Rig();
  rig.breaker.force('open', rig.now, 60_000);
  rig.now += 15_000;
  assert.equal(rig.refuse().retryAfterMs, 45_000);
  rig.now += 50_000;
  assert.equal(rig.refuse().retryAfterMs, 0, 'whoever set it is late in ending it');
});

test('nobody knows when an unlimited or a configured force ends, nor one that the configuration goes on with', () => {
  const unlimited = new Rig();
  unlimited.breaker.force('open', unlimited.now);
  const configured = new Rig({ force: 'open' });
  const goesOn = new Rig({ force: 'open' });
  goesOn.breaker.force('open', goesOn.now, 60_000);
  for (const rig of [unlimited, configured, goesOn]) assert.equal(rig.refuse().retryAfterMs, -1);
  assert.equal(configured.refuse().detail, 'forced open by the configuration');
});

test('when an override ends, what the configuration forces holds again', () => {
  const rig = new Rig({ force: 'closed' });
  rig.breaker.force('open', rig.now, 1000);
  assert.equal(rig.breaker.isOverridden, true);
  rig.breaker.endOverride();
  assert.deepEqual([rig.status.force, rig.breaker.isOverridden], ['closed', false]);
  assert.equal(rig.path, 'closed→open open→closed');
});

test('lifting by hand also lifts what the configuration forces', () => {
  const rig = new Rig({ force: 'open' });
  rig.breaker.force('none', rig.now);
  rig.run(good);
  assert.deepEqual([rig.status.force, rig.status.forcedBy, rig.status.forceEndsInMs], ['none', null, -1]);
});

test('a force that shows the state that it has already is no change for callers', () => {
  const rig = new Rig().trip();
  rig.breaker.force('open', rig.now);
  rig.breaker.force('none', rig.now);
  assert.equal(rig.path, 'closed→open');
});

test('a probe that is out when it is forced decides underneath', () => {
  const rig = new Rig().trip().sleepIsOver();
  const probe = rig.admit();
  rig.breaker.force('open', rig.now);
  probe.settle(good, 10, rig.now);
  assert.deepEqual([rig.state, rig.status.isOpen], ['closed', true]);
  rig.breaker.force('none', rig.now);
  assert.equal(rig.path, 'closed→open open→half_open half_open→open open→closed');
});
