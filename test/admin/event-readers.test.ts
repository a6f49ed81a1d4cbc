import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { subscribe } from '../rig/event-subscriber.ts';
import { eventually } from '../rig/eventually.ts';
import { describeCommand, transition } from '../telemetry/command-fixture.ts';
import { ask, FakePort, type RunningAdmin, startAdmin } from './admin-fixture.ts';

/** Readers of `/events` that have their first snapshot. */
const startReaders = async (
  context: Parameters<typeof startAdmin>[0],
  admin: RunningAdmin,
  count: number,
) => {
  const readers = Array.from({ length: count }, () => subscribe(context, admin.tcpPort));
  await Promise.all(readers.map((reader) => reader.changed.until(() => reader.response)));
  admin.clock.advance(100);
  await Promise.all(readers.map((reader) => reader.snapshot()));
  return readers;
};

test('a tick is rendered once, however many read', async (context) => {
  const admin = await startAdmin(context);
  const readers = await startReaders(context, admin, 5);
  const { breaker } = admin.port.commands.find('reviews')!.description;
  const asked = context.mock.method(breaker, 'status');

  admin.clock.advance(1000);
  await Promise.all(readers.map((reader) => reader.event('tick')));

  assert.equal(asked.mock.callCount(), 1);
});

/** So much to tell that the sockets do not take a snapshot by themselves, of few commands. */
const crowd = (port: FakePort): void => {
  for (let i = 0; i < 60; i += 1) {
    port.commands.open(describeCommand(`upstream-${i}`, { status: { reason: 'x'.repeat(200_000) } }));
  }
};

test('a reader that takes nothing for a minute is cut, and its place is free', async (context) => {
  const port = new FakePort();
  crowd(port);
  const admin = await startAdmin(context, { maxStreams: { hystrix: 1, all: 1 } }, port);
  const stuck = subscribe(context, admin.tcpPort);
  await stuck.changed.until(() => stuck.response);
  stuck.pause();
  const since = admin.clock.now();
  let cutAfterMs = 0;

  // The last reader takes the timer with it. A pass has two slices.
  while (cutAfterMs === 0 && admin.clock.now() < since + 300_000) {
    admin.clock.advance(1000);
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    if (admin.clock.pendingTimers === 0) cutAfterMs = admin.clock.now() - since;
  }

  assert.ok(cutAfterMs >= 60_000 && cutAfterMs < 70_000, String(cutAfterMs));
});

test('what a reader missed while it was behind is told before what comes next', async (context) => {
  const port = new FakePort();
  crowd(port);
  const admin = await startAdmin(context, {}, port);
  const reader = subscribe(context, admin.tcpPort);
  await reader.changed.until(() => reader.response);
  reader.pause();
  const turns = async (count: number) => {
    for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  // The snapshot is on its way, and more than the sockets take.
  await turns(50);

  port.incidents.breakerTransition(transition({ at: 1 }));
  reader.resume();
  await reader.snapshot();
  // Time enough for the server to see that all was taken.
  await turns(50);
  port.incidents.breakerTransition(transition({ at: 2 }));
  while (!reader.events.some(({ name }) => name === 'tick')) {
    admin.clock.advance(1000);
    await turns(50);
  }

  assert.deepEqual(
    reader.incidents.map(({ incident }) => incident.at),
    [1, 2],
  );
});

test('two streams on one connection take two places and give both back', async (context) => {
  const admin = await startAdmin(context, { maxStreams: { hystrix: 2, all: 2 } });
  const get = 'GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n';
  const socket = connect(admin.tcpPort, '127.0.0.1', () => socket.write(get + get));
  await once(socket, 'data');

  const refused = await ask(admin.tcpPort, { path: '/events' });
  socket.destroy();
  await eventually('nobody reads', () => admin.clock.pendingTimers === 0);
  const readers = await startReaders(context, admin, 2);

  assert.equal(refused.status, 503);
  assert.deepEqual(
    readers.map(({ response }) => response?.statusCode),
    [200, 200],
  );
});

test('whenever a reader comes, it is told of every incident exactly once', async (context) => {
  const port = new FakePort();
  for (let i = 0; i < 500; i += 1) port.commands.open(describeCommand(`upstream-${i}`));
  const admin = await startAdmin(context, {}, port);
  const readers: ReturnType<typeof subscribe>[] = [];

  // Readers come, passes go on and incidents happen in every order that the loop makes of it.
  for (let number = 1; number <= 120; number += 1) {
    if (number % 8 === 0) readers.push(subscribe(context, admin.tcpPort));
    if (number % 3 === 0) admin.clock.advance(100);
    for (let turn = 0; turn < number % 7; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    port.incidents.breakerTransition(transition({ at: number, command: `upstream-${number}` }));
  }
  for (const reader of readers) await reader.changed.until(() => reader.response);
  admin.clock.advance(1000);
  await Promise.all(readers.map((reader) => reader.snapshot()));
  port.incidents.breakerTransition(transition({ at: 121 }));

  for (const reader of readers) {
    const last = await reader.changed.until(
      () => reader.incidents.find(({ incident }) => incident.at === 121) ?? null,
    );
    const { recent } = await reader.snapshot();
    const told = [
      ...recent.map(({ incident }) => incident.at),
      ...reader.incidents.map((e) => e.incident.at),
    ];
    const first = told[0]!;
    assert.equal(last.incident.at, 121);
    assert.deepEqual(
      told,
      Array.from({ length: 122 - first }, (_, i) => first + i),
    );
  }
});
