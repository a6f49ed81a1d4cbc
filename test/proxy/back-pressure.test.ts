import assert from 'node:assert/strict';
import { test } from 'node:test';
import { standsStill } from '../rig/eventually.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { type RawConnection, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';

const total = 64 * 1024 * 1024;
const piece = Buffer.alloc(64 * 1024, 'x');

/** What kernel and streams may hold on the way; everything beyond must wait at its source. */
const bounded = 24 * 1024 * 1024;

/** Writes as long as the socket takes it; gives the bytes that it took so far. */
const pour = (connection: { socket: RawConnection['socket'] }): (() => number) => {
  let written = 0;
  const more = (): void => {
    while (written < total) {
      written += piece.length;
      if (!connection.socket.write(piece)) {
        connection.socket.once('drain', more);
        return;
      }
    }
  };
  more();
  return () => written - connection.socket.writableLength;
};

test('a client that does not read makes the upstream wait, not the memory grow', {
  timeout: 30_000,
}, async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));
  const client = await connectRaw(t, sidecar.egress);
  client.socket.pause();
  client.send('GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n');
  const { connection } = await upstream.exchange(0);
  connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);

  const taken = pour(connection);
  const stoodAt = await standsStill(taken);
  assert.ok(stoodAt < bounded, `the proxy took ${stoodAt} bytes that nobody read`);
  client.socket.resume();

  await client.receivedAtLeast(total);
  assert.equal((await client.response()).body.length, total);
});

test('an upstream that does not read makes the client wait, not the memory grow', {
  timeout: 30_000,
}, async (t) => {
  const upstream = await startRawUpstream(t, ({ connection }) => connection.socket.pause());
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));
  const client = await connectRaw(t, sidecar.egress);
  client.send(`POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: ${total}\r\n\r\n`);
  const exchange = await upstream.exchange(0);

  const taken = pour(client);
  const stoodAt = await standsStill(taken);
  assert.ok(stoodAt < bounded, `the proxy took ${stoodAt} bytes that nobody read`);
  exchange.connection.socket.resume();

  assert.equal((await exchange.whole()).body.length, total);
});

test('a client that never takes its answer is cut after the write stall, and its upstream with it', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const sidecar = await startSidecar(t, {
    ...upstreamU([upstream.address]),
    limits: { writeStall: '300ms' },
  });
  const client = await connectRaw(t, sidecar.egress);
  client.socket.pause();
  client.send('GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n');
  const { connection } = await upstream.exchange(0);
  connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`);

  pour(connection);

  await connection.over();
  await sidecar.metricIs('bulkhead_in_flight', { upstream: 'u' }, 0);
});
