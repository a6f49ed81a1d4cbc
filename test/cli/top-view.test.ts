import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Board } from '../../src/board/board.js';
import {
  fitted,
  harmless,
  placeholder,
  sortOrders,
  summary,
  type TableOptions,
  table,
} from '../../src/cli/top-view.ts';
import { commandPicture, snapshotEvent, tickEvent, totals, upstreamPicture } from '../board/board-fixture.ts';

const view: TableOptions = {
  width: 170,
  sort: 'hurt',
  filter: '',
  hasColour: false,
  hasUnicode: false,
  nowMs: 11_000,
};

const boardOf = (...commands: ReturnType<typeof commandPicture>[]): Board => {
  const board = new Board();
  board.snapshot(
    snapshotEvent(
      commands.map(({ name }) => commandPicture(name)),
      { upstreams: [upstreamPicture('stock')] },
    ),
  );
  board.tick(tickEvent(11_000, commands));
  return board;
};

const shop = boardOf(
  commandPicture('reviews.ratings', {
    state: 'open',
    nextProbeAtMs: 13_500,
    why: '12 of 20 failed in 10 s, limit 50 %',
    ...totals(40, { failed: 12, refused: 8 }),
  }),
  commandPicture('payments', { force: 'closed', forcedBy: 'hand', forceEndsAtMs: 71_000 }),
  commandPicture('stock', totals(100)),
);

/** Without what gives colour. */
const plain = (line: string): string => line.replaceAll(/\x1b\[[0-9;]*m/g, '');

test('a line tells the state in a shape and a word, the traffic, the errors, and what comes next', () => {
  const { head, rows } = table(shop, view);

  assert.match(head, /^state +command +req\/s +err % +p50 +p99 +in flight +queue +endp +why$/);
  assert.match(rows[0] ?? '', /^X open +reviews\.ratings +4 +50 .* probe in 3 s: 12 of 20 failed/);
  assert.match(rows[1] ?? '', /^# forced closed +payments .* by hand, for 1 min$/);
  assert.match(rows[2] ?? '', /^o closed +stock +10 +0 .* 0\/256 +0\/128 +0\/0$/);
});

test('where words do not fit at the end of a line they stand below it, and names come before the lesser figures', () => {
  const { head, rows } = table(shop, { ...view, width: 80 });

  assert.match(head, /^state +command +req\/s +err % +p50 +p99 +in flight$/);
  assert.match(rows[0] ?? '', /^X open +reviews\.ratings +4 +50 /);
  assert.equal(rows[1], '  probe in 3 s: 12 of 20 failed in 10 s, limit 50 %');
  assert.match(rows[2] ?? '', /^# forced closed +payments /);
  assert.equal(rows[3], '  by hand, for 1 min');
  assert.equal(rows.length, 5);
});

test('a narrow terminal keeps the state, the name and the errors, and nothing wraps', () => {
  const { head, rows } = table(shop, { ...view, width: 36 });

  assert.match(head, /^state +command +err %$/);
  assert.match(rows[0] ?? '', /^X open +review\.\.atings +50$/);
  assert.equal(rows[1], '  probe in 3 s: 12 of 20 failed in 1');
});

test('a very narrow one keeps the shape of the state and the name', () => {
  const { head, rows } = table(shop, { ...view, width: 20 });

  assert.equal(head, 's command      err %');
  assert.match(rows[0] ?? '', /^X revie\.\.tings +50$/);
});

test('a figure is never cut short, however large it is', () => {
  const bulkhead = { name: 'big', concurrency: 10_000, queueLimit: 25_000, inFlight: 9999, queued: 25_000 };
  const percentilesMs = { p50: 3_599_000, p99: 86_400_000 };
  const board = boardOf(
    commandPicture('big', {
      bulkhead: { ...bulkhead, rejectedTotal: 0 },
      latencyExecute: { count: 5, meanMs: 1, percentilesMs },
    }),
  );

  assert.match(table(board, view).rows[0] ?? '', / 1 h +24 h +10k\/10k +25k\/25k +-$/);
});

for (const [sort, names] of [
  ['hurt', ['reviews.ratings', 'payments', 'stock']],
  ['name', ['payments', 'reviews.ratings', 'stock']],
  ['rate', ['stock', 'reviews.ratings', 'payments']],
  ['errors', ['reviews.ratings', 'payments', 'stock']],
] as const) {
  test(`sorted by ${sort}`, () => {
    const { rows } = table(shop, { ...view, sort });

    assert.deepEqual(
      rows.map((row) => names.find((name) => row.includes(name))),
      names,
    );
  });
}

test('the filter looks for a part of the name, whatever its case', () => {
  assert.equal(table(shop, { ...view, filter: 'RATING' }).rows.length, 1);
  assert.equal(table(shop, { ...view, filter: 'nothing' }).rows.length, 0);
});

test('colours change nothing but the colours', () => {
  const coloured = table(shop, { ...view, hasColour: true });

  assert.notDeepEqual(coloured.rows, table(shop, view).rows);
  assert.deepEqual(coloured.rows.map(plain), table(shop, view).rows);
});

test('no line is longer than the terminal, whatever the names, and none can move the cursor', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('\x1b[2J', '\u202eevil', '表'.repeat(9)),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(hostile, hostile, fc.constantFrom('closed', 'open', 'half_open')), { maxLength: 5 }),
      fc.integer({ min: 1, max: 200 }),
      fc.constantFrom(...sortOrders),
      fc.boolean(),
      (commands, width, sort, hasColour) => {
        const board = boardOf(
          ...commands.map(([name, why, state]) =>
            commandPicture(name, { why, state, nextProbeAtMs: state === 'open' ? 12_000 : null }),
          ),
        );
        const { head, rows } = table(board, { ...view, width, sort, hasColour });
        for (const line of [...rows, head, ...summary(board, 'stream lost for 5 s: \x1b]0;x\x07', width)]) {
          assert.ok(plain(line).length <= width, line);
          assert.match(plain(line), /^[\x20-\x7e]*$/);
        }
      },
    ),
  );
});

test('names are shortened in the middle, and what is not printable becomes a question mark', () => {
  assert.equal(fitted('reviews.ratings', 12), 'revie..tings');
  assert.equal(fitted('ab', 4), 'ab  ');
  assert.equal(harmless('a\x1b[31mb\u202ec\x9b'), 'a?[31mb?c?');
});

test('the summary begins with whether this is true now, and counts what is open first', () => {
  assert.deepEqual(summary(shop, 'live', 120), [
    'live  outrigger-abc123  v1.0.0  proxy 127.0.0.1:7400',
    '1 open, 1 forced closed, 1 closed  14 req/s  14 % errors',
  ]);
});

test('in the place of an empty table stands what to do', () => {
  assert.equal(placeholder(shop, 'pay\x07ments'), 'no name has "pay?ments" in it');
  assert.match(
    placeholder(boardOf(), ''),
    /^send a request through the proxy: curl -x http:\/\/127\.0\.0\.1:7400 /,
  );
  assert.equal(placeholder(new Board(), ''), '');
});
