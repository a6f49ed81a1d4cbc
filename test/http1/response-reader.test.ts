import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ResponseReader } from '../../src/http1/response-reader.ts';
import { mutated, pieceSizes, wellFormedResponse } from '../rig/message-arbitrary.ts';

const bounds = {
  head: { lineBytes: 8192, headBytes: 8192, fields: 200 },
  chunked: { extensionBytes: 1024, trailerBytes: 8192, fields: 200 },
  informational: 3,
};

interface Reading {
  readonly heads: string[];
  body: string;
  trailers: string;
  end: 'whole' | 'missing' | string;
  /** Bytes after the answer. */
  rest: string;
}

/** Reads one answer as a connection does: what was not taken is kept and put before the next piece. */
const readInPieces = (bytes: Buffer, sizes: readonly number[]): Reading => {
  const reader = new ResponseReader(bounds);
  reader.begin('GET', '');
  const reading: Reading = { heads: [], body: '', trailers: '', end: 'missing', rest: '' };
  let kept: Buffer = Buffer.alloc(0);
  let offset = 0;
  for (let index = 0; offset < bytes.length; index += 1) {
    const size = sizes[index] ?? bytes.length;
    kept = Buffer.concat([kept, bytes.subarray(offset, offset + size)]);
    offset += size;
    kept = takeParts(reader, kept, reading);
    if (reading.end !== 'missing') break;
  }
  reading.rest = kept.toString('latin1') + bytes.subarray(offset).toString('latin1');
  return reading;
};

/** Takes all parts that are there; returns what was not taken. */
const takeParts = (reader: ResponseReader, kept: Buffer, reading: Reading): Buffer => {
  let from = 0;
  while (from < kept.length && reading.end === 'missing') {
    const part = reader.read(kept, from, kept.length);
    if (part === 'nothing') break;
    if (part === 'malformed') {
      reading.end = reader.violation.rule;
      return Buffer.alloc(0);
    }
    if (part === 'informational' || part === 'head') reading.heads.push(reader.latest!.text);
    if (part === 'data') reading.body += kept.toString('latin1', from, reader.dataEnd);
    from = reader.consumed;
    if (reader.isWhole) {
      reading.end = 'whole';
      reading.trailers = reader.trailers;
    }
  }
  return kept.subarray(from);
};

const informational = fc
  .record({ status: fc.constantFrom(100, 102, 103, 199), link: fc.boolean() })
  .map(({ status, link }) => `HTTP/1.1 ${status} Wait\r\n${link ? 'Link: </a>\r\n' : ''}\r\n`);

const answer = fc
  .tuple(fc.array(informational, { maxLength: 4 }), wellFormedResponse, fc.constantFrom('', 'HTTP/1.1 2'))
  .map(([before, final, after]) => ({
    ...final,
    bytes: Buffer.concat([Buffer.from(before.join('')), final.bytes, Buffer.from(after)]),
  }));

/** What stands after a broken rule depends on how much had come. */
const comparable = (reading: Reading) => ({
  ...reading,
  rest: reading.end === 'whole' ? reading.rest : '',
  // Content before a violation was passed on or not, as the packets fell.
  body: reading.end === 'whole' || reading.end === 'missing' ? reading.body : '',
});

test('however an answer with its informational heads is split, the same parts are found', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        answer.map(({ bytes }) => bytes),
        mutated(answer),
      ),
      pieceSizes,
      (bytes, sizes) => {
        assert.deepEqual(
          comparable(readInPieces(Buffer.from(bytes), sizes)),
          comparable(readInPieces(Buffer.from(bytes), [])),
        );
      },
    ),
    { numRuns: 3000 },
  );
});

test('what follows an answer is never taken for a part of it', () => {
  fc.assert(
    fc.property(wellFormedResponse, fc.string({ unit: 'binary-ascii', minLength: 1 }), (final, after) => {
      const tail = Buffer.from(after, 'latin1').toString('latin1');
      const reading = readInPieces(Buffer.concat([final.bytes, Buffer.from(tail, 'latin1')]), []);

      assert.equal(reading.end, 'whole');
      assert.equal(reading.rest, tail);
      assert.equal(reading.body, final.body.toString('latin1'));
    }),
    { numRuns: 500 },
  );
});
