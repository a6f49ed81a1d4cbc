import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectRaw } from '../rig/raw-client.ts';
import { ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const put = 'PUT /x HTTP/1.1\r\nHost: u.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n';

const withRetries = (endpoint: string) =>
  upstreamU([endpoint], {
    breaker: { force: 'closed' },
    retry: { attempts: 3, backoff: { base: '1ms', max: '1ms' } },
  });

test('a client that waits for its 100 gets one though the attempt that asked for it was lost', {
  timeout: 10_000,
}, async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    if (upstream.exchanges.length === 1) {
      exchange.connection.socket.resetAndDestroy();
      return;
    }
    await exchange.whole();
    exchange.write(ok('thanks'));
  });
  const sidecar = await startSidecar(t, withRetries(upstream.address));
  const client = await connectRaw(t, sidecar.egress);

  const first = await client.send(put).response();
  assert.equal(statusOf(first), 100);
  const response = await client.send('abc').response();

  assert.equal(response.body.toString(), 'thanks');
  assert.equal(fieldOf(upstream.exchanges[1]!, 'expect'), undefined);
});

test('a client that was told to continue is not told again by a later attempt', {
  timeout: 10_000,
}, async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    exchange.write('HTTP/1.1 100 Continue\r\n\r\n');
    await exchange.whole();
    if (upstream.exchanges.length === 1) exchange.connection.socket.resetAndDestroy();
    else exchange.write(ok('thanks'));
  });
  const sidecar = await startSidecar(t, withRetries(upstream.address));
  const client = await connectRaw(t, sidecar.egress);

  assert.equal(statusOf(await client.send(put).response()), 100);
  const response = await client.send('abc').response();

  assert.equal(response.body.toString(), 'thanks');
});

test('a final answer instead of the 100 leaves no doubt about the bytes that follow', {
  timeout: 10_000,
}, async (t) => {
  const upstream = await startRawUpstream(t, (exchange) => {
    exchange.write('HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nno');
  });
  const sidecar = await startSidecar(t, withRetries(upstream.address));
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send(put).response();
  client.send('GET /smuggled HTTP/1.1\r\nHost: u.test\r\n\r\n');

  assert.equal(statusOf(response), 403);
  assert.equal(fieldOf(response, 'connection'), 'close');
  await client.closed();
  assert.equal(upstream.exchanges.length, 1);
});
