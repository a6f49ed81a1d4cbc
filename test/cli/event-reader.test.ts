import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EventReader } from '../../src/cli/event-reader.ts';

const stream =
  'retry: 1000\n\nevent: tick\nid: p-1\ndata: {"a":\ndata: "ä"}\n\n: a comment\r\ndata:x\r\n\r\nid\ndata\n\n';

const expected = [
  { name: 'tick', data: '{"a":\n"ä"}', lastId: 'p-1' },
  { name: 'message', data: 'x', lastId: 'p-1' },
  { name: 'message', data: '', lastId: '' },
];

test('events come out whole, with their name, their lines and the last id', () => {
  assert.deepEqual(new EventReader().read(Buffer.from(stream)), expected);
});

test('wherever the bytes are cut, the events are the same', () => {
  const bytes = Buffer.from(stream);
  fc.assert(
    fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
      const reader = new EventReader();
      const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
      const events = places.flatMap((place, i) => reader.read(bytes.subarray(place, places[i + 1] ?? place)));
      assert.deepEqual(events, expected);
    }),
  );
});

test('a stream that ends in the middle of an event gives only the whole ones', () => {
  assert.deepEqual(new EventReader().read(Buffer.from('data: 1\n\ndata: 2\n')), [
    { name: 'message', data: '1', lastId: '' },
  ]);
});

for (const [how, end] of [
  ['one line', ''],
  ['many lines', '\n'],
] as const) {
  test(`an event of ${how} that does not end is an error`, () => {
    const reader = new EventReader();
    const part = Buffer.from(`data: ${'x'.repeat(2 ** 20)}${end}`);
    const read = () => {
      for (let mib = 0; mib < 65; mib += 1) reader.read(part);
    };

    assert.throws(read, RangeError);
  });
}

test('events may go on for ever, one by one', () => {
  const reader = new EventReader();
  const event = Buffer.from(`data: ${'x'.repeat(2 ** 20)}\n\n`);
  let events = 0;

  for (let mib = 0; mib < 130; mib += 1) events += reader.read(event).length;

  assert.equal(events, 130);
});
