import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ClientConnection } from '../../src/http1/client-connection.ts';
import { ClientPool } from '../../src/http1/client-pool.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const bounds = {
  head: { lineBytes: 8192, headBytes: 8192, fields: 100 },
  chunked: { extensionBytes: 1024, trailerBytes: 1024, fields: 100 },
  informational: 10,
};

/** A pool that keeps connections for 4 s, with one that is idle. */
const oneIdle = (t: TestContext, keepAliveMs = -1, idleMs = 4000) => {
  const clock = new VirtualClock();
  const pool = new ClientPool(clock, { connections: 2, maxIdle: 2, idleMs });
  t.after(() => pool.close());
  pool.reserve();
  const connection = new ClientConnection(new Socket(), pool, bounds);
  pool.released(connection, keepAliveMs);
  return { clock, pool, connection };
};

test('a kept connection is used again within its time', (t) => {
  const { clock, pool, connection } = oneIdle(t);

  clock.advance(3999);

  assert.equal(pool.take(), connection);
});

test('a connection that a blocked loop kept for too long is not used again', (t) => {
  for (const keepAliveMs of [-1, 3000]) {
    const { clock, pool, connection } = oneIdle(t, keepAliveMs);

    clock.block(4500);

    assert.equal(pool.take(), null, `Keep-Alive: timeout of ${keepAliveMs} ms`);
    assert.equal(connection.socket.destroyed, true);
    assert.deepEqual([pool.size, pool.idle], [0, 0]);
  }
});

test('any number of those who wait can find at once that they cannot connect', (t) => {
  const pool = new ClientPool(new VirtualClock(), { connections: 1, maxIdle: 1, idleMs: 4000 });
  t.after(() => pool.close());
  pool.reserve();
  const count = 20_000;
  let served = 0;
  const failing = {
    placeFree: () => {
      assert.equal(pool.reserve(), true);
      served += 1;
      pool.forgo();
    },
  };
  for (let i = 0; i < count; i += 1) pool.wait(failing);

  pool.forgo();

  assert.deepEqual([served, pool.size], [count, 0]);
});

test('a connection that is kept without limit is never too old', (t) => {
  const { clock, pool, connection } = oneIdle(t, -1, Number.POSITIVE_INFINITY);

  clock.block(86_400_000);

  assert.equal(pool.take(), connection);
});
