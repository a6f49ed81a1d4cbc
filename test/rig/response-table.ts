import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOwnAnswer, type OwnAnswer } from './own-answer.ts';
import { type Bytes, connectRaw } from './raw-client.ts';
import type { RawUpstream } from './raw-upstream.ts';
import type { Sidecar } from './sidecar.ts';

/** An answer of the upstream that must not reach the client, and what the client gets instead. */
export interface BadResponseRow {
  readonly name: string;
  readonly bytes: Bytes;
  readonly answer?: OwnAnswer;
  /** The upstream closes after its bytes. */
  readonly closes?: boolean;
  readonly request?: string;
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
  sidecar: Sidecar,
  upstream: RawUpstream,
  rows: readonly BadResponseRow[],
): void => {
  for (const { name, bytes, answer = protocolError, closes = false, request = plainPost } of rows) {
    test(name, { timeout: 10_000 }, async (t) => {
      const before = upstream.exchanges.length;
      upstream.handler = async (exchange) => {
        await exchange.whole();
        exchange.write(bytes);
        if (closes) exchange.connection.socket.end();
      };
      const client = await connectRaw(t, sidecar.egress);

      const response = await client.send(request).response({ toHead: request.startsWith('HEAD') });

      assertOwnAnswer(response, answer);
      assert.equal(client.unread.length, 0, 'nothing of the upstream’s follows');
      assert.doesNotMatch(client.received.toString('latin1'), /Evil|evil/, 'nothing of it is repeated');
      assert.equal(upstream.exchanges.length, before + 1, 'tried once');
      await upstream.exchanges[before]!.connection.over();
    });
  }
};
