import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from '../../src/board/board.js';
import { byHurt, conditionOf } from '../../src/board/condition.js';
import { reasonOf } from '../../src/board/figures.js';
import { commandPicture, snapshotEvent, tickEvent, totals } from './board-fixture.ts';

test('what callers meet goes before the state underneath', () => {
  assert.equal(conditionOf({ state: 'closed', force: 'open' }), 'forced-open');
  assert.equal(conditionOf({ state: 'open', force: 'closed' }), 'forced-closed');
  assert.equal(conditionOf({ state: 'half_open', force: 'none' }), 'half-open');
});

test('what hurts stands first: open, forced, half-open, then errors, then the name whatever the traffic', () => {
  const board = new Board();
  const before = [
    commandPicture('quiet'),
    commandPicture('a-quiet'),
    commandPicture('busy'),
    commandPicture('erring'),
    commandPicture('probing', { state: 'half_open' }),
    commandPicture('held-closed', { force: 'closed' }),
    commandPicture('held-open', { force: 'open' }),
    commandPicture('down', { state: 'open' }),
  ];
  board.snapshot(snapshotEvent(before));

  board.tick(
    tickEvent(11_000, [
      commandPicture('busy', totals(100)),
      commandPicture('erring', totals(10, { failed: 5 })),
    ]),
  );

  assert.deepEqual(
    byHurt(board).map(({ name }) => name),
    ['down', 'held-open', 'probing', 'held-closed', 'erring', 'a-quiet', 'busy', 'quiet'],
  );
});

for (const [why, reason] of [
  ['12 of 20 failed in 10 s, limit 50 %; next probe in 3.2 s', '12 of 20 failed in 10 s, limit 50 %'],
  ['the sleep is over, probing', 'the sleep is over, probing'],
] as const) {
  test(`of ${JSON.stringify(why)} what was to come is left out`, () => {
    assert.equal(reasonOf(why), reason);
  });
}
