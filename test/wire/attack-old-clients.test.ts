import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar(
  { after },
  upstreamU([upstream.address], { breaker: { force: 'closed' }, retry: { attempts: 1 } }),
);

/** A client of HTTP/1.0 takes a connection for kept only where the answer says so. */
const isClear = async (client: Awaited<ReturnType<typeof connectRaw>>, connection: string | undefined) => {
  if (connection?.toLowerCase() === 'keep-alive') return;
  assert.equal(await client.closed(), 'end');
};

for (const [what, request] of [
  ['a refused destination', 'GET / HTTP/1.0\r\nHost: unlisted.test\r\nConnection: keep-alive\r\n\r\n'],
  [
    'OPTIONS that goes no further',
    'OPTIONS * HTTP/1.0\r\nHost: u.test\r\nMax-Forwards: 0\r\nConnection: keep-alive\r\n\r\n',
  ],
] as const) {
  test(`an HTTP/1.0 client is told whether its connection is kept after ${what}, or it is closed`, {
    timeout: 5000,
  }, async (t) => {
    const client = await connectRaw(t, sidecar.egress);

    const response = await client.send(request).response();

    await isClear(client, fieldOf(response, 'connection'));
  });
}

test('an HTTP/1.0 client can tell an answer that was cut from one that ended', {
  timeout: 5000,
}, async (t) => {
  upstream.handler = async (exchange) => {
    await exchange.whole();
    exchange.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
    await new Promise(setImmediate);
    exchange.connection.socket.resetAndDestroy();
  };
  const client = await connectRaw(t, sidecar.egress);

  client.send('GET / HTTP/1.0\r\nHost: u.test\r\n\r\n');

  assert.equal(await client.closed(), 'reset');
});

test('an expectation of an HTTP/1.0 client is ignored', async (t) => {
  upstream.handler = answering(ok());
  const before = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.egress);

  client.send('POST / HTTP/1.0\r\nHost: u.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc');

  assert.equal(statusOf(await client.response()), 200);
  assert.equal(fieldOf(upstream.exchanges[before]!, 'expect'), undefined);
});
