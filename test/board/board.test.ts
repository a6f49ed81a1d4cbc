import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from '../../src/board/board.js';
import {
  commandPicture,
  snapshotEvent,
  tickEvent,
  totals,
  transitionIncident,
  upstreamPicture,
} from './board-fixture.ts';

const boardWith = (...commands: Parameters<typeof snapshotEvent>): Board => {
  const board = new Board();
  board.snapshot(snapshotEvent(...commands));
  return board;
};

test('a tick replaces what changed, adds what is new, and takes away what is gone', () => {
  const board = boardWith([commandPicture('a'), commandPicture('b')], {
    upstreams: [upstreamPicture('a'), upstreamPicture('b')],
  });

  board.tick(
    tickEvent(11_000, [commandPicture('a', { state: 'open' }), commandPicture('c')], {
      removed: ['b'],
      upstreams: [upstreamPicture('c')],
      removedUpstreams: ['b'],
    }),
  );

  assert.deepEqual(
    [...board.commands.values()].map(({ name, state }) => `${name} ${state}`),
    ['a open', 'c closed'],
  );
  assert.deepEqual([...board.upstreams.keys()], ['a', 'c']);
  assert.equal(board.nowMs, 11_000);
});

test('a snapshot forgets what was known before', () => {
  const board = boardWith([commandPicture('a', totals(5))]);
  board.tick(tickEvent(11_000, [commandPicture('a', totals(9))]));

  board.snapshot(snapshotEvent([commandPicture('b')]));

  assert.deepEqual([...board.commands.keys()], ['b']);
  assert.deepEqual(board.trace('a'), []);
});

test('the rate is that of the last ten seconds, and fades when nothing more comes', () => {
  const board = boardWith([commandPicture('a', totals(100))]);

  board.tick(tickEvent(11_000, [commandPicture('a', totals(150, { failed: 10, refused: 15, fallback: 5 }))]));
  const busy = board.rates('a');
  for (let second = 12; second <= 21; second += 1) board.tick(tickEvent(second * 1000));

  assert.deepEqual(busy, { perSecond: 5, errorsPerSecond: 2.5, errorPercent: 50 });
  assert.deepEqual(board.rates('a'), { perSecond: 0, errorsPerSecond: 0, errorPercent: 0 });
});

test('a command that appears is counted from nothing', () => {
  const board = boardWith([]);

  board.tick(tickEvent(11_000, [commandPicture('new', totals(3))]));

  assert.equal(board.trace('new')[0]?.requests, 3);
});

test('a destination that was dropped and has come back is counted from nothing', () => {
  const board = boardWith([commandPicture('a.test:80', totals(100))]);

  board.tick(tickEvent(11_000, [commandPicture('a.test:80', totals(2))]));

  assert.equal(board.trace('a.test:80')[0]?.requests, 2);
});

test('what happened before somebody looked is in the trace, second by second', () => {
  const board = boardWith([commandPicture('a', totals(7))], {
    history: {
      endsAtMs: 10_000,
      commands: { a: { requests: [4, 0, 3], failed: [1, 0, 0], refused: [0, 0, 2], fallback: [0, 0, 1] } },
    },
  });

  assert.deepEqual(
    board.trace('a').map(({ atMs, requests, failed, refused }) => [atMs, requests, failed, refused]),
    [
      [8000, 4, 1, 0],
      [10_000, 3, 0, 2],
    ],
  );
});

test('a trace goes back two minutes and no further', () => {
  const board = boardWith([commandPicture('a')]);
  for (let second = 1; second <= 300; second += 1)
    board.tick(tickEvent(10_000 + second * 1000, [commandPicture('a', totals(second))]));

  const trace = board.trace('a');

  assert.equal(trace.length, 121);
  assert.equal(trace[0]?.atMs, 190_000);
});

test('incidents stand in the order of their numbers, each once, however they come', () => {
  const board = boardWith([], {
    recent: [3, 4].map((number) => ({ number, incident: transitionIncident() })),
  });

  for (const number of [2, 3, 5, 4, 1, 6]) board.incident(number, transitionIncident());

  assert.deepEqual(
    board.incidents.map(({ number }) => number),
    [1, 2, 3, 4, 5, 6],
  );
});

test('the latest two hundred incidents are kept', () => {
  const board = boardWith([]);
  for (let number = 1; number <= 500; number += 1) board.incident(number, transitionIncident());

  assert.equal(board.incidents.length, 200);
  assert.equal(board.incidents[0]?.number, 301);
});

test('a transition shows at once, before the tick that tells the rest', () => {
  const board = boardWith([commandPicture('reviews')]);

  board.incident(1, transitionIncident({ to: 'open', why: 'all failed; next probe in 5 s' }));

  const command = board.commands.get('reviews');
  assert.deepEqual([command?.state, command?.why], ['open', 'all failed']);
});

test('what is forced shows at once, and that nobody forces it any more', () => {
  const board = boardWith([commandPicture('reviews')]);
  const override = { kind: 'override', at: 0, command: 'reviews', cause: 'by hand' } as const;

  board.incident(1, { ...override, force: 'open', ttlMs: 60_000 });
  const forced = board.commands.get('reviews');
  board.incident(2, { ...override, force: 'none', ttlMs: 0 });
  const released = board.commands.get('reviews');

  assert.deepEqual([forced?.force, forced?.forcedBy, forced?.forceEndsAtMs], ['open', 'hand', 70_000]);
  assert.deepEqual([released?.force, released?.forcedBy, released?.forceEndsAtMs], ['none', null, null]);
});

test('incidents that a reader missed do not bring an old state back', () => {
  const board = boardWith([commandPicture('reviews', { state: 'closed' })], {
    recent: [{ number: 2, incident: transitionIncident({ from: 'half_open', to: 'closed' }) }],
    resumed: { missed: 2, lost: 0 },
  });

  board.incident(1, transitionIncident({ to: 'open' }));
  board.incident(2, transitionIncident({ from: 'half_open', to: 'closed' }));

  assert.equal(board.commands.get('reviews')?.state, 'closed');
});
