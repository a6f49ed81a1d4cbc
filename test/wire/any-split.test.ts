import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mutated, pieceSizes, wellFormedRequest, wellFormedResponse } from '../rig/message-arbitrary.ts';
import { ourOpinion } from '../rig/our-opinion.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

for (const [kind, message] of [
  ['request', wellFormedRequest],
  ['response', wellFormedResponse],
] as const) {
  test(`however a ${kind} is split over packets, it is read the same`, () => {
    fc.assert(
      fc.property(
        fc.oneof(
          message.map(({ bytes }) => bytes),
          mutated(message),
        ),
        pieceSizes,
        (bytes, sizes) => {
          assert.deepEqual(ourOpinion(kind, bytes, sizes), ourOpinion(kind, bytes));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test(`a ${kind} that comes one byte at a time is read the same`, () => {
    fc.assert(
      fc.property(
        fc.oneof(
          message.map(({ bytes }) => bytes),
          mutated(message),
        ),
        (bytes) => {
          const ones = Array.from({ length: bytes.length }, () => 1);
          assert.deepEqual(ourOpinion(kind, bytes, ones), ourOpinion(kind, bytes));
        },
      ),
      { numRuns: 1000 },
    );
  });
}

test('however a request is split over real packets, the upstream is sent the same', {
  timeout: 60_000,
}, async (t) => {
  const upstream = await startRawUpstream(t);
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { breaker: { force: 'closed' } }));

  /** Status for the client and bytes for the upstream; the Via pseudonym is the same for both runs. */
  const outcome = async (bytes: Buffer, sizes: readonly number[]) => {
    const before = upstream.exchanges.length;
    const client = await connectRaw(t, sidecar.egress);
    await client.sendPieces(bytes, sizes);
    const response = await client.finalResponse().catch(() => null);
    client.leave();
    const sent = upstream.exchanges.slice(before).map(({ startLine, fields, message }) => ({
      startLine,
      fields,
      body: message?.body.toString('latin1'),
      trailers: message?.trailers,
    }));
    return { status: response === null ? 0 : statusOf(response), sent };
  };

  await fc.assert(
    fc.asyncProperty(wellFormedRequest, pieceSizes, async ({ bytes }, sizes) => {
      assert.deepEqual(await outcome(bytes, sizes), await outcome(bytes, []));
    }),
    { numRuns: 40 },
  );
  assert.deepEqual(upstream.complaints, []);
});

test('however an answer is split over real packets, the client is sent the same', {
  timeout: 60_000,
}, async (t) => {
  const upstream = await startRawUpstream(t);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { breaker: { force: 'closed' }, retry: { attempts: 1 } }),
  );
  const client = await connectRaw(t, sidecar.egress);

  await fc.assert(
    fc.asyncProperty(wellFormedResponse, pieceSizes, async ({ bytes, body, trailers }, sizes) => {
      upstream.handler = async ({ connection }) => {
        let offset = 0;
        for (const size of [...sizes, bytes.length]) {
          connection.write(bytes.subarray(offset, offset + size));
          offset += size;
          await new Promise(setImmediate);
          if (offset >= bytes.length) break;
        }
      };
      const response = await client.send('GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n').response();
      assert.deepEqual(response.body, body);
      assert.deepEqual(response.trailers, trailers);
    }),
    { numRuns: 60 },
  );

  upstream.handler = answering(ok());
  assert.equal(statusOf(await client.send('GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n').response()), 200);
});
