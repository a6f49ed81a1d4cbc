import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mutated, pieceSizes, wellFormedRequest, wellFormedResponse } from '../rig/message-arbitrary.ts';
import { connectRaw, exchangeRaw, type RawClient } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { goodRequest } from '../rig/refusal-table.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf, WireError } from '../rig/wire-reader.ts';

const runs = Number(process.env['WIRE_FUZZ_RUNS'] ?? 150);

/** Reads answers until the connection ends; the second parser throws at anything that is no HTTP. */
const readAll = async (client: RawClient): Promise<number[]> => {
  const statuses: number[] = [];
  for (;;) {
    const response = await client.response().catch((error: unknown) => {
      if (error instanceof WireError) throw error;
      return null;
    });
    if (response === null) return statuses;
    statuses.push(statusOf(response));
  }
};

test('whatever a client sends, the upstream is sent well-formed requests and no more than were meant', async (t) => {
  const upstream = await startRawUpstream(t);
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { breaker: { force: 'closed' } }));

  await fc.assert(
    fc.asyncProperty(mutated(wellFormedRequest), pieceSizes, async (bytes, sizes) => {
      const client = await connectRaw(t, sidecar.egress);
      await client.sendPieces(bytes, sizes);
      client.end();
      const statuses = await readAll(client);
      client.leave();
      assert.ok(
        statuses.length <= 1 + bytes.toString('latin1').split('GET / HTTP/1.1').length,
        `${statuses}`,
      );
      assert.deepEqual(upstream.complaints, []);
      assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, goodRequest)), 200);
    }),
    { numRuns: runs },
  );
});

test('whatever an upstream sends, the client is sent well-formed answers and never a byte of another’s', async (t) => {
  const upstream = await startRawUpstream(t);
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      breaker: { force: 'closed' },
      retry: { attempts: 1 },
      timeout: { attempt: '2s', idle: '2s' },
    }),
  );

  await fc.assert(
    fc.asyncProperty(mutated(wellFormedResponse), fc.boolean(), async (bytes, isPipelined) => {
      upstream.handler = async (exchange) => {
        await exchange.whole();
        exchange.write(bytes);
        exchange.connection.socket.end();
      };
      const client = await connectRaw(t, sidecar.egress);
      client.send(
        'POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\n\r\nabc'.repeat(isPipelined ? 2 : 1),
      );
      client.end();
      const statuses = await readAll(client);
      client.leave();
      assert.ok(statuses.filter((status) => status >= 200).length <= (isPipelined ? 2 : 1), `${statuses}`);
      upstream.handler = answering(ok('clean'));
      const next = await exchangeRaw(t, sidecar.egress, goodRequest);
      assert.equal(next.body.toString(), 'clean');
    }),
    { numRuns: runs },
  );
});
