import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from '../../src/board/board.js';
import { byHurt, conditionOf, reasonOf } from '../../src/board/condition.js';
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
  ['the probe failed: reset; a probe is due', 'the probe failed: reset'],
  [
    'probing: 0 of 1 probe succeeded, 1 in flight, next probe in 4.2 s; opened because the probe took 1.3 s',
    'opened because the probe took 1.3 s',
  ],
  [
    'forced open by hand for another 4 min 54 s; underneath: no attempts in 5 s; opens at 50 % of at least 20',
    'underneath: no attempts in 5 s; opens at 50 % of at least 20',
  ],
  [
    'forced closed by the configuration; underneath: probing: 1 of 2 probes succeeded, 0 in flight, a probe is due; opened because 3 failures in a row, limit 3',
    'underneath: opened because 3 failures in a row, limit 3',
  ],
  [
    '0 of 87 failed in 5 s; opens at 50 % of at least 20',
    '0 of 87 failed in 5 s; opens at 50 % of at least 20',
  ],
] as const) {
  test(`of ${JSON.stringify(why)} only what does not count down is kept`, () => {
    assert.equal(reasonOf(why), reason);
  });
}
