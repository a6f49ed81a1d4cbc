import assert from 'node:assert/strict';
import { test } from 'node:test';
import { untilQuiet } from '../../src/runtime/drain.ts';
import { connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { eventually } from '../rig/eventually.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';

test('it is quiet when nothing was under way for the whole time; each request starts it anew', async () => {
  const clock = new VirtualClock();
  let busy = 0;
  const quiet = untilQuiet(clock, { deadlineMs: 25_000, idleExitMs: 2000 }, () => busy);
  let result: boolean | null = null;
  quiet.then((isQuiet) => {
    result = isQuiet;
  });
  clock.advance(1500);
  busy = 1;
  clock.advance(1000);
  busy = 0;
  clock.advance(1900);
  await Promise.resolve();
  assert.equal(result, null);

  clock.advance(150);

  assert.equal(await quiet, true);
  assert.equal(clock.pendingTimers, 0);
});

test('without any time of quiet it still waits for what is under way', async () => {
  const clock = new VirtualClock();
  let busy = 1;
  let isOver = false;
  const quiet = untilQuiet(clock, { deadlineMs: 25_000, idleExitMs: 0 }, () => busy);
  void quiet.then(() => {
    isOver = true;
  });

  clock.advance(1000);
  await new Promise(setImmediate);
  const wasOver = isOver;
  busy = 0;
  clock.advance(1000);

  assert.equal(wasOver, false);
  assert.equal(await quiet, true);
});

test('at the deadline it is over, quiet or not', async () => {
  const clock = new VirtualClock();
  const quiet = untilQuiet(clock, { deadlineMs: 25_000, idleExitMs: 2000 }, () => 1);

  clock.advance(25_000);

  assert.equal(await quiet, false);
});

test('while it drains readiness is off at once, and new requests are served with Connection: close', async (t) => {
  const upstream = await startRawUpstream(t);
  const sidecar = await startSidecar(t, {
    ...upstreamU([upstream.address]),
    drain: { deadline: '10s', idleExit: '300ms' },
  });
  const idle = await connectRaw(t, sidecar.egress);
  await idle.send(get).response();
  const ready = () => fetch(`http://${sidecar.admin.host}:${sidecar.admin.port}/readyz`);
  assert.equal((await ready()).status, 200);

  const drained = sidecar.app.drain();

  assert.equal((await ready()).status, 503);
  await idle.closed();
  const response = await exchangeRaw(t, sidecar.egress, get);
  assert.equal(statusOf(response), 200);
  assert.equal(fieldOf(response, 'connection'), 'close');
  await drained;
});

test('what is under way when it drains is finished before it ends', async (t) => {
  const answer = Promise.withResolvers<void>();
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    await answer.promise;
    exchange.write(ok('at last'));
  });
  const sidecar = await startSidecar(t, {
    ...upstreamU([upstream.address]),
    drain: { deadline: '10s', idleExit: '50ms' },
  });
  const client = await connectRaw(t, sidecar.egress);
  client.send(get);
  await eventually('it is under way', () => upstream.exchanges.length === 1);

  const drained = sidecar.app.drain();
  answer.resolve();

  assert.equal((await client.response()).body.toString(), 'at last');
  await drained;
});

for (const [what, asks] of [
  ['a connection of a TCP upstream', false],
  ['a tunnel', true],
] as const) {
  test(`${what} goes on while it drains, and is waited for`, async (t) => {
    const server = await startByteServer(t, (peer) => peer.say('hello'));
    const sidecar = await startSidecar(t, {
      // Without anything to wait for it would be over at once.
      drain: { deadline: '10s', idleExit: '0s' },
      upstreams: {
        db: { protocol: 'tcp', listen: '127.0.0.1:0', hosts: ['db.test'], endpoints: [server.address] },
      },
    });
    const client = await connectBytes(t, asks ? sidecar.egress : sidecar.listener('db'));
    if (asks) client.say('CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test:5432\r\n\r\n');
    await client.hears('hello');
    const peer = await server.peer();

    const drained = sidecar.app.drain();
    client.say('the question');
    await peer.hears('the question');
    peer.end('the answer');
    await client.hears('the answer');
    client.end();

    await drained;
  });
}

test('a sidecar that is asked to drain through its admin interface says so to whoever started it', async (t) => {
  const sidecar = await startSidecar(t, {});
  const response = await fetch(`http://${sidecar.admin.host}:${sidecar.admin.port}/drain`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-outrigger-admin': '1' },
    body: '{}',
  });

  assert.ok(response.ok);
  await sidecar.app.drainRequested;
});
