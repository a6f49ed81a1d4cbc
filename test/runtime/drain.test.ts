import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { untilQuiet } from '../../src/runtime/drain.ts';
import { connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { eventually } from '../rig/eventually.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';
import { fieldOf, statusOf, type WireMessage } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';

test('it is quiet when nothing was under way for the whole time; each request starts it anew', async () => {
  const clock = new VirtualClock();
  const activity = { busy: 0, begun: 0 };
  const quiet = untilQuiet(clock, { deadlineMs: 25_000, idleExitMs: 2000 }, activity);
  let result: boolean | null = null;
  quiet.then((isQuiet) => {
    result = isQuiet;
  });
  clock.advance(1500);
  activity.busy = 1;
  clock.advance(1000);
  activity.busy = 0;
  clock.advance(1900);
  await Promise.resolve();
  assert.equal(result, null);

  clock.advance(150);

  assert.equal(await quiet, true);
  assert.equal(clock.pendingTimers, 0);
});

test('requests so short that nobody ever sees one under way are no quiet', async () => {
  const clock = new VirtualClock();
  const activity = { busy: 0, begun: 0 };
  let result: boolean | null = null;
  const quiet = untilQuiet(clock, { deadlineMs: 25_000, idleExitMs: 2000 }, activity);
  void quiet.then((isQuiet) => {
    result = isQuiet;
  });

  for (let i = 0; i < 10; i += 1) {
    clock.advance(1000);
    activity.begun += 1;
  }
  await new Promise(setImmediate);
  assert.equal(result, null);
  clock.advance(2050);

  assert.equal(await quiet, true);
});

test('without any time of quiet it still waits for what is under way', async () => {
  const clock = new VirtualClock();
  const activity = { busy: 1, begun: 1 };
  let isOver = false;
  const quiet = untilQuiet(clock, { deadlineMs: 25_000, idleExitMs: 0 }, activity);
  void quiet.then(() => {
    isOver = true;
  });

  clock.advance(1000);
  await new Promise(setImmediate);
  const wasOver = isOver;
  activity.busy = 0;
  clock.advance(1000);

  assert.equal(wasOver, false);
  assert.equal(await quiet, true);
});

test('at the deadline it is over, quiet or not', async () => {
  const clock = new VirtualClock();
  const quiet = untilQuiet(clock, { deadlineMs: 25_000, idleExitMs: 2000 }, { busy: 1, begun: 1 });

  clock.advance(25_000);

  assert.equal(await quiet, false);
});

const closing = (response: WireMessage): readonly unknown[] => [
  statusOf(response),
  fieldOf(response, 'connection'),
];

/** A sidecar that drains at leisure, and its upstream. */
const startDraining = async (t: TestContext, idleExit = '500ms') => {
  const upstream = await startRawUpstream(t);
  const drain = { deadline: '10s', idleExit };
  return { upstream, sidecar: await startSidecar(t, { ...upstreamU([upstream.address]), drain }) };
};

test('while it drains readiness is off at once, and new requests are served with Connection: close', async (t) => {
  const { sidecar } = await startDraining(t, '300ms');
  const ready = () => fetch(`http://${sidecar.admin.host}:${sidecar.admin.port}/readyz`);
  assert.equal((await ready()).status, 200);

  const drained = sidecar.app.drain();

  assert.equal((await ready()).status, 503);
  assert.deepEqual(closing(await exchangeRaw(t, sidecar.egress, get)), [200, 'close']);
  await drained;
});

test('a request on a kept connection that meets the drain is answered, and told to be the last', async (t) => {
  const { sidecar } = await startDraining(t);
  const client = await connectRaw(t, sidecar.egress);
  await client.send(get).response();

  const drained = sidecar.app.drain();
  client.send(get);

  assert.deepEqual(closing(await client.response()), [200, 'close']);
  assert.equal(await client.closed(), 'end');
  await drained;
});

test('an answer that did not say that it was the last is not: the drain may have begun in its middle', async (t) => {
  const { sidecar, upstream } = await startDraining(t);
  upstream.handler = (exchange) => exchange.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha');
  const client = await connectRaw(t, sidecar.egress);
  client.send(get);
  await client.head();

  const drained = sidecar.app.drain();
  (await upstream.exchange(0)).write('lf');
  const first = await client.response();
  upstream.handler = answering(ok());
  client.send(get);

  assert.deepEqual(closing(first), [200, undefined]);
  assert.deepEqual(closing(await client.response()), [200, 'close']);
  await drained;
});

test('connections that nobody uses do not hold it up, and are ended in order at its end', async (t) => {
  const { sidecar } = await startDraining(t, '50ms');
  const [kept, unused] = [await connectRaw(t, sidecar.egress), await connectRaw(t, sidecar.egress)];
  await kept.send(get).response();

  await sidecar.app.drain();

  assert.equal(await kept.closed(), 'end');
  assert.equal(await unused.closed(), 'end');
});

test('a request of which only the beginning has come is something under way', async (t) => {
  const { sidecar } = await startDraining(t, '0s');
  const client = await connectRaw(t, sidecar.egress);
  // Whatever came before it was read when this is answered.
  await client.send(`${get}GET /x HTTP/1.1\r\nHo`).response();
  let isOver = false;

  const drained = sidecar.app.drain().then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  const wasOver = isOver;
  client.send('st: u.test\r\n\r\n');

  assert.equal(wasOver, false);
  assert.deepEqual(closing(await client.response()), [200, 'close']);
  await drained;
});

test('a tunnel that is open at the deadline is reset, and the log says that it was us', async (t) => {
  const server = await startByteServer(t, (peer) => peer.say('hello'));
  const sidecar = await startSidecar(t, {
    ...upstreamU([server.address]),
    drain: { deadline: '100ms', idleExit: '0s' },
  });
  const client = await connectBytes(t, sidecar.egress);
  client.say('CONNECT u.test:80 HTTP/1.1\r\nHost: u.test:80\r\n\r\n');
  await client.hears('hello');

  await sidecar.app.drain();

  assert.equal(await client.over(), 'by a reset');
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual([line['closeReason'], line['status']], ['shutdown', 200]);
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
