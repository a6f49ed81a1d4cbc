import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from '../../src/board/board.js';
import { byHurt, conditionOf } from '../../src/board/condition.js';
import { commandPicture, snapshotEvent, tickEvent, totals } from './board-fixture.ts';

test('what callers meet goes before the state underneath', () => {
  assert.equal(conditionOf({ state: 'closed', force: 'open' }), 'forced-open');
  assert.equal(conditionOf({ state: 'open', force: 'closed' }), 'forced-closed');
  assert.equal(conditionOf({ state: 'half_open', force: 'none' }), 'half-open');
});

test('what hurts stands first: open, forced, half-open, then errors, then traffic, then the name', () => {
  const board = new Board();
  const before = [
    commandPicture('quiet-b'),
    commandPicture('quiet-a'),
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
    ['down', 'held-open', 'probing', 'held-closed', 'erring', 'busy', 'quiet-a', 'quiet-b'],
  );
});
