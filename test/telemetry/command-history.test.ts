import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CommandHistory, historySeconds } from '../../src/telemetry/command-history.ts';

test('requests are told by the second in which they ended, the one in progress left out', () => {
  const history = new CommandHistory();
  for (const [kind, now] of [
    [0, 10_000],
    [1, 10_999],
    [2, 11_000],
    [3, 12_000],
    [0, 13_000],
  ] as const) {
    history.count(kind, now);
  }

  const figures = history.read(13_500);

  assert.deepEqual(figures?.requests.slice(-4), [0, 2, 1, 1]);
  assert.deepEqual(figures?.failed.slice(-3), [1, 0, 0]);
  assert.deepEqual(figures?.refused.slice(-3), [0, 1, 0]);
  assert.deepEqual(figures?.fallback.slice(-3), [0, 0, 1]);
});

test('two minutes are remembered, and nothing for who did nothing in them', () => {
  const history = new CommandHistory();
  history.count(0, 5000);

  const last = history.read(5000 + historySeconds * 1000);
  const gone = history.read(6000 + historySeconds * 1000);

  assert.equal(last?.requests[0], 1);
  assert.equal(gone, null);
});

test('it says what a list of all requests would say', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(3), fc.nat(40_000)), { maxLength: 60 }),
      fc.nat(200_000),
      (requests, later) => {
        const history = new CommandHistory();
        let now = 0;
        const ended = requests.map(([kind, pause]) => {
          now += pause;
          history.count(kind, now);
          return { kind, second: Math.floor(now / 1000) };
        });
        now += later;
        const current = Math.floor(now / 1000);
        const countIn = (second: number, isCounted: (kind: number) => boolean): number =>
          ended.filter((one) => one.second === second && isCounted(one.kind)).length;
        const seconds = Array.from({ length: historySeconds }, (_, i) => current - historySeconds + i);

        const figures = history.read(now);

        const expected = seconds.map((second) => countIn(second, () => true));
        assert.deepEqual(figures?.requests ?? expected.map(() => 0), expected);
        assert.deepEqual(
          figures?.refused ?? expected.map(() => 0),
          seconds.map((second) => countIn(second, (kind) => kind === 2)),
        );
      },
    ),
    { numRuns: 50 },
  );
});
