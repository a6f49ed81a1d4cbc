import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Signal } from '../rig/eventually.ts';
import { type CrowdOrder, type CrowdTally, LARGE_BYTES } from './rig-messages.ts';

/** A server that hands each connection to `serve` and lets the test wait for what becomes of them. */
async function listen(t: TestContext, serve: (socket: Socket) => void) {
  const changed = new Signal();
  const seen = { port: 0, connections: 0, pieces: [] as Buffer[], changed };
  const server = createServer((socket) => {
    seen.connections++;
    socket.on('error', () => {});
    socket.on('data', (piece: Buffer) => {
      seen.pieces.push(piece);
      changed.raise();
    });
    serve(socket);
    changed.raise();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  seen.port = (server.address() as AddressInfo).port;
  return seen;
}

function startCrowd(t: TestContext, order: Omit<CrowdOrder & { kind: 'begin' }, 'kind'>) {
  const child = fork(fileURLToPath(new URL('./slow-crowd.ts', import.meta.url)));
  t.after(() => child.kill());
  child.send({ kind: 'begin', ...order } satisfies CrowdOrder);
  return async (): Promise<CrowdTally> => {
    const tally = once(child, 'message');
    child.send({ kind: 'end' } satisfies CrowdOrder);
    return (await tally)[0];
  };
}

test('a slow head comes a byte at a time, and never to its end', async (t) => {
  const seen = await listen(t, () => {});
  const end = startCrowd(t, { port: seen.port, slowHeads: 1, slowReaders: 0, everyMs: 5 });

  await seen.changed.until(() => (seen.pieces.length >= 20 ? true : null));
  const tally = await end();

  const sent = Buffer.concat(seen.pieces).toString('latin1');
  assert.ok(
    sent.length < 10 * seen.pieces.length,
    'bytes may run together on a busy machine, but not all of them',
  );
  assert.match(sent, /^GET \/items\/42 /);
  assert.equal(sent.includes('\r\n\r\n'), false);
  assert.deepEqual(tally, { slowHeadsClosed: 0, slowReadersClosed: 0, largeAnswers: 0 });
});

test('who is shown the door comes again, and each time is counted', async (t) => {
  const seen = await listen(t, (socket) => socket.once('data', () => socket.destroy()));
  const end = startCrowd(t, { port: seen.port, slowHeads: 1, slowReaders: 1, everyMs: 5 });

  await seen.changed.until(() => (seen.connections >= 12 ? true : null));
  const { slowHeadsClosed, slowReadersClosed } = await end();

  // The last connection of each may still have been open, or not have been counted yet.
  assert.ok(slowHeadsClosed > 0 && slowReadersClosed > 0);
  assert.ok(slowHeadsClosed + slowReadersClosed >= 10);
});

test('a slow reader has not taken all of a large answer when a slow head has sent a few bytes', async (t) => {
  let readers = 0;
  const heads: number[] = [];
  const seen = await listen(t, (socket) => {
    socket.on('data', (piece: Buffer) => {
      if (!piece.includes('/large HTTP/1.1\r\n')) heads.push(piece.length);
      else {
        readers++;
        socket.write(Buffer.alloc(LARGE_BYTES));
      }
    });
  });
  const end = startCrowd(t, { port: seen.port, slowHeads: 1, slowReaders: 1, everyMs: 20 });

  await seen.changed.until(() => (readers === 1 && heads.length >= 5 ? true : null));
  const { slowReadersClosed, largeAnswers } = await end();

  assert.deepEqual([slowReadersClosed, largeAnswers], [0, 0]);
});

test('a large answer that was read to its end is counted, and asked for again', async (t) => {
  let asked = 0;
  const seen = await listen(t, (socket) => {
    socket.on('data', () => {
      asked++;
      socket.write(Buffer.alloc(LARGE_BYTES));
    });
  });
  const end = startCrowd(t, { port: seen.port, slowHeads: 0, slowReaders: 1, everyMs: 1 });

  await seen.changed.until(() => (asked === 2 ? true : null));
  const { largeAnswers } = await end();

  assert.equal(largeAnswers, 1);
});
