import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertOwnAnswer, type OwnAnswer } from './own-answer.ts';
import { type Bytes, connectRaw, exchangeRaw, toBytes } from './raw-client.ts';
import type { RawUpstream } from './raw-upstream.ts';
import type { Sidecar } from './sidecar.ts';
import { fieldOf, statusOf } from './wire-reader.ts';

/** A request that must not pass, and what its sender is told. */
export interface RefusedRow {
  /** The behaviour, as the test's name. */
  readonly name: string;
  readonly bytes: Bytes;
  readonly answer?: OwnAnswer;
}

export const badRequest: OwnAnswer = { status: 400, type: 'http_request_error', reason: 'bad_request' };

/** A plain good request to the upstream that {@link refusalTable} uses. */
export const goodRequest = 'GET /good HTTP/1.1\r\nHost: u.test\r\nConnection: close\r\n\r\n';

/**
 * One test a row: the answer says why, the connection closes, the upstream saw no byte, the refusal is counted, and the
 * next one is served.
 */
export const refusalTable = (sidecar: Sidecar, upstream: RawUpstream, rows: readonly RefusedRow[]): void => {
  for (const { name, bytes, answer = badRequest } of rows) {
    test(name, { timeout: 10_000 }, async (t) => {
      const sawBefore = upstream.received.length;
      const rejectedBefore = await sidecar.metric('rejected_total');
      const client = await connectRaw(t, sidecar.egress);
      const response = await client.send(bytes).response();
      const reason = assertOwnAnswer(response, answer);
      assert.equal(fieldOf(response, 'connection')?.toLowerCase(), 'close');
      await client.closed();
      assert.equal(client.unread.length, 0, 'nothing follows the refusal');
      assert.equal(upstream.received.length, sawBefore, 'the upstream saw no byte');
      await sidecar.metricIs('rejected_total', {}, rejectedBefore + 1);
      assert.ok((await sidecar.metric('rejected_total', { reason })) >= 1, `counted as ${reason}`);
      assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, goodRequest)), 200);
    });
  }
};

/** A request that passes, and what must be true of what the upstream was sent. */
export interface ForwardedRow {
  readonly name: string;
  readonly bytes: Bytes;
  readonly check: (sent: string, body: Buffer) => void;
}

/** One test a row: the upstream gets exactly one request, well formed, and the client its answer. */
export const forwardedTable = (
  sidecar: Sidecar,
  upstream: RawUpstream,
  rows: readonly ForwardedRow[],
): void => {
  for (const { name, bytes, check } of rows) {
    test(name, { timeout: 10_000 }, async (t) => {
      const before = upstream.exchanges.length;
      const client = await connectRaw(t, sidecar.egress);
      const text = toBytes(bytes).toString('latin1');
      const response = await client.send(bytes).response({ toHead: text.startsWith('HEAD ') });
      assert.equal(statusOf(response), 200);
      assert.equal(upstream.exchanges.length, before + 1, 'one request reached the upstream');
      const message = upstream.exchanges[before]!.message!;
      const head = [message.startLine, ...message.fields.map(([key, value]) => `${key}: ${value}`)];
      check(head.join('\n'), message.body);
      assert.deepEqual(upstream.complaints, []);
    });
  }
};
