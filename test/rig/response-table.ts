import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOwnAnswer, type OwnAnswer } from './own-answer.ts';
import { type Bytes, connectRaw } from './raw-client.ts';
import type { RawUpstream } from './raw-upstream.ts';
import type { Sidecar } from './sidecar.ts';
import { statusOf } from './wire-reader.ts';

/** An answer of the upstream that must not reach the client, and what the client gets instead. */
export interface BadResponseRow {
  readonly name: string;
  readonly bytes: Bytes;
  readonly answer?: OwnAnswer;
  /** The upstream closes after its bytes. */
  readonly closes?: boolean;
  readonly request?: string;
  /**
   * Where `transport: undici` is different (decision 26): another answer of ours; `passes`: the answer goes on to the
   * client; `waits`: it is not seen to be wrong, and a time limit ends it.
   */
  readonly undici?: OwnAnswer | 'passes' | 'waits';
}

export const protocolError: OwnAnswer = {
  status: 502,
  type: 'http_protocol_error',
  reason: 'protocol_error',
};

/** A POST: nothing about its failure is tried again. */
export const plainPost = 'POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\n\r\nabc';

/** One test a row: the client gets our answer and nothing of the upstream's, whose connection is never used again. */
export const badResponseTable = (
  transport: 'native' | 'undici',
  sidecar: Sidecar,
  upstream: RawUpstream,
  rows: readonly BadResponseRow[],
): void => {
  for (const row of rows) {
    const { name, bytes, closes = false, request = plainPost } = row;
    const undici = transport === 'undici' ? row.undici : undefined;
    const answer = typeof undici === 'object' ? undici : (row.answer ?? protocolError);
    // Without its own limit of time it would wait long.
    if (undici === 'waits') continue;
    const difference =
      undici === undefined ? '' : ` (${undici === 'passes' ? 'passes' : 'with another reason'})`;
    test(`${transport}: ${name}${difference}`, { timeout: 10_000 }, async (t) => {
      const before = upstream.exchanges.length;
      upstream.handler = async (exchange) => {
        await exchange.whole();
        exchange.write(bytes);
        if (closes) exchange.connection.socket.end();
      };
      const client = await connectRaw(t, sidecar.egress);

      const response = await client.send(request).response({ toHead: request.startsWith('HEAD') });

      if (undici === 'passes') {
        assert.equal(statusOf(response), 200);
        return;
      }
      await upstream.exchanges[before]!.connection.over();
      assertOwnAnswer(response, answer);
      assert.equal(client.unread.length, 0, 'nothing of the upstream’s follows');
      assert.doesNotMatch(client.received.toString('latin1'), /Evil|evil/, 'nothing of it is repeated');
      assert.equal(upstream.exchanges.length, before + 1, 'tried once');
    });
  }
};
