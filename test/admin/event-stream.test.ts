import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { SnapshotEvent, TickEvent } from '../../src/board/stream-events.ts';
import { subscribe } from '../rig/event-subscriber.ts';
import { eventually } from '../rig/eventually.ts';
import { describeCommand, exchangeEnded, transition } from '../telemetry/command-fixture.ts';
import { ask, FakePort, type RunningAdmin, startAdmin } from './admin-fixture.ts';

const id = 'outrigger-abc123';

/** Comes in while others read: the pass that it waits for is due a little later. */
const join = async (context: TestContext, admin: RunningAdmin) => {
  const reader = subscribe(context, admin.tcpPort);
  await reader.changed.until(() => reader.response);
  admin.clock.advance(100);
  await reader.snapshot();
  return reader;
};

/** Moves the clock so far that the next pass is due, and on until that tick has come. */
const nextTick = async (admin: RunningAdmin, reader: ReturnType<typeof subscribe>, number: number) => {
  admin.clock.advance(1000);
  return reader.event<TickEvent>('tick', number);
};

const names = (event: SnapshotEvent | TickEvent): string[] => event.commands.map(({ name }) => name);

/** Opens a command and lets a request of it end, so that its picture changes. */
const use = ({ port, clock }: RunningAdmin, name: string): void => {
  port.commands.find(name)?.exchangeEnded(exchangeEnded(), clock.now());
};

test('a reader gets everything at once', async (context) => {
  const admin = await startAdmin(context);
  admin.port.incidents.breakerTransition(transition());
  admin.port.upstreamList = [
    { name: 'reviews', hosts: [], dns: null, endpoints: [], retryBudget: { tokens: 1, capacity: 2 } },
  ];
  use(admin, 'reviews');

  const reader = subscribe(context, admin.tcpPort);
  const snapshot = await reader.snapshot();

  assert.equal(reader.response?.headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(reader.events[0]?.lastId, `${id}-1`);
  assert.deepEqual(names(snapshot), ['reviews']);
  assert.deepEqual(snapshot.commands[0]?.totals, { requests: 1, failed: 0, refused: 0, fallback: 0 });
  assert.equal(snapshot.upstreams[0]?.name, 'reviews');
  assert.equal(snapshot.process.id, id);
  assert.equal(snapshot.resumed, null);
  assert.deepEqual(
    snapshot.recent.map(({ number, incident }) => [number, incident.kind]),
    [[1, 'transition']],
  );
});

test('a tick a second tells what changed, what came and what went, and is a sign of life otherwise', async (context) => {
  const admin = await startAdmin(context);
  for (const name of ['ads', 'stock']) admin.port.commands.open(describeCommand(name));
  const reader = subscribe(context, admin.tcpPort);
  await reader.snapshot();

  const still = await nextTick(admin, reader, 1);
  use(admin, 'ads');
  admin.port.commands.close('stock');
  admin.port.commands.open(describeCommand('new'));
  const moved = await nextTick(admin, reader, 2);
  const again = await nextTick(admin, reader, 3);

  assert.deepEqual([names(still), still.removed, still.process], [[], [], null]);
  assert.deepEqual(names(moved).sort(), ['ads', 'new']);
  assert.deepEqual(moved.removed, ['stock']);
  assert.equal(moved.nowMs - still.nowMs, 1000);
  assert.deepEqual([names(again), again.removed], [[], []]);
});

test('what happened in the last two minutes is in the snapshot, second by second', async (context) => {
  const admin = await startAdmin(context);
  admin.port.commands.open(describeCommand('idle'));
  use(admin, 'reviews');
  use(admin, 'reviews');
  admin.clock.advance(1000);
  admin.port.commands
    .find('reviews')
    ?.exchangeEnded(
      exchangeEnded({ outcome: { kind: 'rejected', reason: 'circuit_open', retryAfterMs: -1, detail: '' } }),
      admin.clock.now(),
    );
  admin.clock.advance(1000);

  const { history } = await subscribe(context, admin.tcpPort).snapshot();

  assert.deepEqual(Object.keys(history.commands), ['reviews']);
  assert.equal(history.endsAtMs, 3000);
  assert.deepEqual(history.commands['reviews']?.requests.slice(-2), [2, 1]);
  assert.deepEqual(history.commands['reviews']?.refused.slice(-2), [0, 1]);
  assert.equal(history.commands['reviews']?.requests.length, 120);
});

test('incidents come the moment they happen, in their order, each with an id', async (context) => {
  const admin = await startAdmin(context);
  const reader = subscribe(context, admin.tcpPort);
  await reader.snapshot();
  const { incidents } = admin.port;

  incidents.breakerTransition(transition({ why: '12 of 20 failed' }));
  incidents.breakerOverridden({
    command: 'reviews',
    force: 'open',
    cause: 'by hand',
    ttlMs: Number.POSITIVE_INFINITY,
    at: 1,
  });
  incidents.endpointChanged({
    upstream: 'reviews',
    endpoint: '10.0.0.1:80',
    change: 'passed_over',
    why: 'x',
    at: 2,
  });
  incidents.endpointSetChanged({ upstream: 'reviews', added: ['a'], removed: [], size: 1, why: 'x', at: 3 });
  incidents.discoveryChanged({ upstream: 'reviews', host: 'h', change: 'failing', why: 'x', at: 4 });
  incidents.configReloaded({ result: 'failed', why: 'outrigger.yaml:3:1', at: 5 });
  await reader.event('reload');

  assert.deepEqual(
    reader.incidents.map(({ id, incident }) => `${id} ${incident.kind}`),
    ['transition', 'override', 'endpoint', 'endpoints', 'discovery', 'reload'].map(
      (kind, i) => `${id}-${i + 1} ${kind}`,
    ),
  );
  assert.deepEqual(reader.incidents[0]?.incident, {
    kind: 'transition',
    at: 0,
    command: 'reviews',
    from: 'closed',
    to: 'open',
    why: '12 of 20 failed',
    forcedBy: null,
    counts: { total: 20, errors: 20, slow: 0 },
  });
  assert.equal(reader.events.filter(({ name }) => name === 'tick').length, 0);
});

test('a reader that was away gets exactly what it missed', async (context) => {
  const admin = await startAdmin(context);
  for (let i = 1; i <= 70; i += 1) admin.port.incidents.breakerTransition(transition({ at: i }));

  const reader = subscribe(context, admin.tcpPort, { 'Last-Event-ID': `${id}-5` });
  const snapshot = await reader.snapshot();
  await reader.event('transition', 65);

  assert.deepEqual(snapshot.resumed, { missed: 65, lost: 0 });
  assert.equal(reader.events[0]?.lastId, `${id}-5`);
  assert.deepEqual(
    reader.incidents.map(({ id }) => id),
    Array.from({ length: 65 }, (_, i) => `${id}-${i + 6}`),
  );
});

test('what is no longer kept is counted as lost', async (context) => {
  const admin = await startAdmin(context);
  for (let i = 1; i <= 1250; i += 1) admin.port.incidents.breakerTransition(transition());

  const reader = subscribe(context, admin.tcpPort, { 'Last-Event-ID': `${id}-100` });

  assert.deepEqual((await reader.snapshot()).resumed, { missed: 1000, lost: 150 });
});

for (const lastId of [
  'outrigger-ffffff-3',
  `${id}-`,
  `${id}-99`,
  `${id}--1`,
  `${id}-1e1`,
  `${id}-0x1`,
  `${id}-${'9'.repeat(400)}`,
  'x',
]) {
  test(`a reader that last saw ${lastId} is told of all that is known here`, async (context) => {
    const admin = await startAdmin(context);
    for (let i = 1; i <= 3; i += 1) admin.port.incidents.breakerTransition(transition());

    const reader = subscribe(context, admin.tcpPort, { 'Last-Event-ID': lastId });

    assert.deepEqual((await reader.snapshot()).resumed, { missed: 3, lost: 0 });
  });
}

/** So much to tell that the sockets do not take a snapshot by themselves. */
const crowd = (port: FakePort): void => {
  const status = { reason: 'x'.repeat(8000) };
  for (let i = 0; i < 3000; i += 1) port.commands.open(describeCommand(`upstream-${i}`, { status }));
};

test('a reader that takes nothing holds nobody up, and then gets what it missed in one tick', async (context) => {
  const port = new FakePort();
  crowd(port);
  const admin = await startAdmin(context, {}, port);
  const slow = subscribe(context, admin.tcpPort);
  await slow.changed.until(() => slow.response);
  slow.pause();
  const quick = await join(context, admin);

  for (let tick = 1; tick <= 5; tick += 1) {
    use(admin, `upstream-${tick}`);
    port.incidents.breakerTransition(transition({ at: tick }));
    await nextTick(admin, quick, tick);
  }
  const ticksWhileAway = slow.events.filter(({ name }) => name === 'tick').length;
  slow.resume();
  await slow.snapshot();
  await quick.event('tick', 5);
  for (let tick = 6; slow.incidents.length < 5; tick += 1) await nextTick(admin, quick, tick);
  const tick = await slow.event<TickEvent>('tick');

  assert.equal(ticksWhileAway, 0);
  assert.deepEqual(names(tick).sort(), [
    'upstream-1',
    'upstream-2',
    'upstream-3',
    'upstream-4',
    'upstream-5',
  ]);
  assert.deepEqual(
    slow.incidents.map(({ incident }) => incident.at),
    [1, 2, 3, 4, 5],
  );
  assert.equal(slow.events.filter(({ name }) => name === 'snapshot').length, 1);
});

test('requests are let through between slices of a pass', async (context) => {
  const port = new FakePort();
  crowd(port);
  const admin = await startAdmin(context, {}, port);
  let rendered = 0;
  let mostInOneTurn = 0;
  let isWatching = true;
  for (const book of port.commands.all()) {
    const { breaker } = book.description;
    const { status } = breaker;
    breaker.status = (now) => {
      rendered += 1;
      return status(now);
    };
  }
  const watch = (): void => {
    mostInOneTurn = Math.max(mostInOneTurn, rendered);
    rendered = 0;
    if (isWatching) setImmediate(watch);
  };
  watch();

  await subscribe(context, admin.tcpPort).snapshot();
  isWatching = false;

  assert.ok(mostInOneTurn > 0 && mostInOneTurn <= 100, String(mostInOneTurn));
});

test('without readers nothing is done and nothing waits', async (context) => {
  const admin = await startAdmin(context);
  const reader = subscribe(context, admin.tcpPort);
  await reader.snapshot();

  reader.close();
  await eventually('the timer is gone', () => admin.clock.pendingTimers === 0);
  let asked = 0;
  const { breaker } = admin.port.commands.find('reviews')!.description;
  breaker.status = () => {
    asked += 1;
    throw new Error('nobody reads');
  };
  admin.port.incidents.breakerTransition(transition());
  admin.clock.advance(60_000);

  assert.equal(asked, 0);
});

test('places are given back on every way of leaving, and their number is limited', async (context) => {
  const admin = await startAdmin(context, { maxStreams: { hystrix: 1, all: 2 } });
  const { tcpPort } = admin;
  const status = async () => (await ask(tcpPort, { path: '/events', method: 'HEAD' })).status;
  const full = subscribe(context, tcpPort);
  await full.snapshot();

  for (const leave of ['fin', 'reset'] as const) {
    const socket = connect(tcpPort, '127.0.0.1', () =>
      socket.write('GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    );
    await once(socket, 'data');
    const refused = await ask(tcpPort, { path: '/events' });
    assert.equal(refused.status, 503);
    assert.match(refused.body, /2 streams are open\. Close one or raise admin\.maxStreams/);
    if (leave === 'fin') socket.destroySoon();
    else socket.resetAndDestroy();
    await eventually('the place is free', async () => {
      const next = subscribe(context, tcpPort);
      await next.changed.until(() => next.response ?? (next.hasEnded ? next.response : null));
      const isFree = next.response?.statusCode === 200;
      next.close();
      return isFree;
    });
  }

  assert.equal(await status(), 200);
});

test('when the admin interface closes, streams end', async (context) => {
  const admin = await startAdmin(context);
  const reader = subscribe(context, admin.tcpPort);
  await reader.snapshot();

  await admin.server.close();

  await reader.changed.until(() => (reader.hasEnded ? true : null));
  assert.equal(admin.clock.pendingTimers, 0);
});

test('readers that come and go in crowds do not keep the sidecar busy', async (context) => {
  const admin = await startAdmin(context);
  let passes = 0;
  const { breaker } = admin.port.commands.find('reviews')!.description;
  const { status } = breaker;
  breaker.status = (now) => {
    passes += 1;
    return status(now);
  };
  const readers = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const reader = subscribe(context, admin.tcpPort);
      await reader.changed.until(() => reader.response);
      return reader;
    }),
  );

  admin.clock.advance(100);
  await Promise.all(readers.map((reader) => reader.snapshot()));

  assert.ok(passes <= 3, String(passes));
});

test('hostile names are plain JSON', async (context: TestContext) => {
  const admin = await startAdmin(context);
  const name = '</script><img src=x onerror=alert(1)>\n\ndata: {}\u2028"\\';
  admin.port.commands.open(describeCommand(name));

  const snapshot = await subscribe(context, admin.tcpPort).snapshot();

  assert.deepEqual(names(snapshot), ['reviews', name]);
});
