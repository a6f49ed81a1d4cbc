import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exchangeRaw } from '../rig/raw-client.ts';
import { ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

test('an answer that nobody wants and that never ends keeps no place of the pool', async (t) => {
  let count = 0;
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    count += 1;
    if (count === 1) exchange.write('HTTP/1.1 503 Busy\r\nContent-Length: 10\r\n\r\nabc');
    else exchange.write(ok('here'));
  });
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      pool: { connectionsPerEndpoint: 1, idle: '50ms' },
      retry: { backoff: { base: '1ms', max: '1ms' } },
    }),
  );

  const response = await exchangeRaw(t, sidecar.egress, 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n');

  assert.equal(statusOf(response), 200);
  await upstream.exchanges[0]!.connection.over();
});
