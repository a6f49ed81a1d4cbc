import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mutated, type Written, wellFormedRequest, wellFormedResponse } from '../rig/message-arbitrary.ts';
import { nodeReadsRequests, nodeReadsResponse, type ReadMessage } from '../rig/node-opinion.ts';
import { ourOpinion } from '../rig/our-opinion.ts';

const asMeant = ({ startLine, fields, body, trailers }: Written): ReadMessage => ({
  startLine,
  fields,
  body,
  trailers,
});

/** What both must agree on; Node decodes a few things for its users that are no part of the framing. */
const plain = ({ startLine, fields, body, trailers }: ReadMessage) => ({
  startLine: startLine.trimEnd(),
  fields,
  body: body.toString('latin1'),
  trailers,
});

test('well-formed requests in a row mean the same to us, to Node and to who wrote them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(wellFormedRequest, { minLength: 1, maxLength: 3 }), async (requests) => {
      const bytes = Buffer.concat(requests.map((request) => request.bytes));
      const ours = ourOpinion('request', bytes);
      const nodes = await nodeReadsRequests(bytes);

      assert.equal(ours.error, null);
      assert.deepEqual(ours.messages.map(plain), requests.map(asMeant).map(plain));
      assert.deepEqual(nodes.messages.map(plain), requests.map(asMeant).map(plain));
    }),
    { numRuns: 300 },
  );
});

test('well-formed responses mean the same to us, to Node and to who wrote them', async () => {
  await fc.assert(
    fc.asyncProperty(wellFormedResponse, async (response) => {
      const ours = ourOpinion('response', response.bytes);
      const nodes = await nodeReadsResponse(response.bytes);

      assert.equal(ours.error, null);
      assert.deepEqual(ours.messages.map(plain), [plain(asMeant(response))]);
      assert.deepEqual(nodes.messages.map(plain), [plain(asMeant(response))]);
    }),
    { numRuns: 300 },
  );
});

/** Where Node refuses by a list of its own or does more than read: no opinion on the framing. */
const hasNoOpinion = (error: string | null): boolean => error === 'HPE_INVALID_METHOD';

test('of a damaged request we take nothing that Node does not take, and nothing in another meaning', async () => {
  await fc.assert(
    fc.asyncProperty(mutated(wellFormedRequest), async (bytes) => {
      const ours = ourOpinion('request', bytes);
      const nodes = await nodeReadsRequests(bytes);

      if (hasNoOpinion(nodes.error)) return;
      const accepted = ours.messages.map(plain);
      assert.deepEqual(nodes.messages.map(plain).slice(0, accepted.length), accepted);
    }),
    { numRuns: 1500 },
  );
});

test('of a damaged response we take nothing that Node does not take, and nothing in another meaning', async () => {
  await fc.assert(
    fc.asyncProperty(mutated(wellFormedResponse), async (bytes) => {
      const ours = ourOpinion('response', bytes);
      const nodes = await nodeReadsResponse(bytes);

      const [accepted] = ours.messages.map(plain);
      const status = Number(accepted?.startLine.slice(9, 12));
      if (accepted === undefined || status < 200) return;
      assert.deepEqual(nodes.messages.map(plain)[0], accepted);
    }),
    { numRuns: 1500 },
  );
});
