import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectRaw } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

test('the answer of a server that refuses a large upload at its head and ends its side is passed on', {
  timeout: 30_000,
}, async (t) => {
  const upstream = await startRawUpstream(t, ({ connection }) => {
    connection.socket.pause();
    connection.socket.end('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig');
  });
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { breaker: { force: 'closed' }, retry: { attempts: 1 } }),
  );

  for (let count = 0; count < 20; count += 1) {
    const client = await connectRaw(t, sidecar.egress);
    client.send('POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 4000000\r\n\r\n');
    client.send(Buffer.alloc(4_000_000, 'x'));
    assert.equal(statusOf(await client.finalResponse()), 413);
    client.leave();
  }
});
