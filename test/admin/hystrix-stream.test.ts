import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { renderEvents } from '../../src/admin/hystrix-events.ts';
import { parseDelayMs } from '../../src/admin/hystrix-stream.ts';
import { Commands } from '../../src/telemetry/commands.ts';
import { bulkheadView, describeCommand } from '../telemetry/command-fixture.ts';
import { ask, type RunningAdmin, StreamReader, startAdmin } from './admin-fixture.ts';

const path = '/hystrix.stream';

/** Opens a stream and waits for its first events; it is cut when the test ends. */
const openStream = async ({ tcpPort }: RunningAdmin, query = ''): Promise<StreamReader> => {
  const reader = new StreamReader(tcpPort, `${path}${query}`);
  await reader.until(({ eventCount }) => eventCount > 0);
  return reader;
};

/** Waits until the server no longer has a timer, which it keeps as long as somebody reads. */
const untilIdle = async ({ clock }: RunningAdmin): Promise<void> => {
  while (clock.pendingTimers > 0) await new Promise((resolve) => setImmediate(resolve));
};

test('the head of the stream is the one that Hystrix sends', async (context) => {
  const admin = await startAdmin(context);

  const { answer } = await openStream(admin);

  assert.equal(answer?.status, 200);
  assert.equal(answer?.headers.get('content-type'), 'text/event-stream;charset=UTF-8');
  assert.equal(answer?.headers.get('cache-control'), 'no-cache, no-store, max-age=0, must-revalidate');
  assert.equal(answer?.headers.get('pragma'), 'no-cache');
});

test('one event for each command and each bulkhead comes at once, and again with every tick', async (context) => {
  const admin = await startAdmin(context);
  const shared = bulkheadView('ads');
  for (const route of ['a', 'b']) {
    admin.port.commands.open(describeCommand(`ads.${route}`, { upstream: 'ads', route, bulkhead: shared }));
  }

  const reader = await openStream(admin);
  await reader.until(({ eventCount }) => eventCount === 5);
  const namesAtOnce = [0, 1, 2, 3, 4].map((index) => {
    const { type, name } = reader.event(index);
    return `${type} ${name}`;
  });
  admin.clock.advance(500);
  await reader.until(({ eventCount }) => eventCount === 10);

  assert.deepEqual(namesAtOnce, [
    'HystrixCommand reviews',
    'HystrixCommand ads.a',
    'HystrixCommand ads.b',
    'HystrixThreadPool reviews',
    'HystrixThreadPool ads',
  ]);
  assert.equal(reader.pings, 1);
  const [first, second] = [reader.event(0), reader.event(5)].map(({ currentTime }) => Number(currentTime));
  assert.equal(second! - first!, 500);
});

test('events are one line of JSON between "data: " and an empty line, without names or ids', async (context) => {
  const admin = await startAdmin(context);

  const reader = await openStream(admin);
  admin.clock.advance(500);
  await reader.until(({ eventCount }) => eventCount === 4);

  const withoutChunks = (reader.answer?.body ?? '')
    .replace(/(^|\r\n)[0-9a-f]+\r\n/g, '')
    .replace(/\r\n$/, '');
  assert.match(withoutChunks, /^(data: \{.*\}\n\n){2}ping: \n\n(data: \{.*\}\n\n){2}$/);
});

test('a command that comes or goes is in the next tick', async (context) => {
  const admin = await startAdmin(context);
  const reader = await openStream(admin);
  admin.port.commands.close('reviews');
  admin.port.commands.open(describeCommand('ads'));

  admin.clock.advance(500);
  await reader.until(({ eventCount }) => eventCount === 4);

  assert.deepEqual(
    [reader.event(2), reader.event(3)].map(({ name }) => name),
    ['ads', 'ads'],
  );
});

test('a longer delay skips ticks but no pings, for that reader alone', async (context) => {
  const admin = await startAdmin(context);
  const fast = await openStream(admin);
  const slow = await openStream(admin, '?delay=1200');

  for (let tick = 1; tick <= 6; tick += 1) {
    admin.clock.advance(500);
    await fast.until(({ pings, eventCount }) => pings === tick && eventCount === 2 * (tick + 1));
  }
  await slow.until(({ pings }) => pings === 6);

  assert.equal(slow.eventCount, 6, 'at once, and at the third and sixth tick');
});

test('a sixth stream is refused in the words of Hystrix, and a place that is left is free again', async (context) => {
  const admin = await startAdmin(context);
  const readers: StreamReader[] = [];
  for (let count = 0; count < 5; count += 1) readers.push(await openStream(admin));

  const refused = await ask(admin.tcpPort, { path });
  for (const { socket } of readers) socket.destroy();
  await untilIdle(admin);
  const next = await openStream(admin);

  assert.equal(refused.status, 503);
  assert.equal(refused.statusMessage, 'MaxConcurrentConnections reached: 5');
  assert.match(refused.body, /MaxConcurrentConnections reached: 5/);
  assert.equal(next.answer?.status, 200);
});

test('the limit over all streams counts too', async (context) => {
  const admin = await startAdmin(context, { maxStreams: { hystrix: 5, all: 1 } });
  await openStream(admin);

  const refused = await ask(admin.tcpPort, { path });

  assert.equal(refused.statusMessage, 'MaxConcurrentConnections reached: 1');
});

for (const [how, leave] of [
  ['closes', (reader: StreamReader) => reader.socket.end()],
  ['resets', (reader: StreamReader) => reader.socket.resetAndDestroy()],
  ['vanishes', (reader: StreamReader) => reader.socket.destroy()],
] as const) {
  test(`nothing runs and no place is held after the last reader ${how}`, async (context) => {
    const admin = await startAdmin(context, { maxStreams: { hystrix: 1, all: 1 } });
    for (let round = 0; round < 3; round += 1) {
      const reader = await openStream(admin);
      assert.equal(admin.clock.pendingTimers, 1);

      leave(reader);
      await untilIdle(admin);
    }
  });
}

test('two streams on one connection take two places and give both back', async (context) => {
  const admin = await startAdmin(context, { maxStreams: { hystrix: 2, all: 2 } });
  const get = `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const socket = connect(admin.tcpPort, '127.0.0.1', () => socket.write(get + get));
  await once(socket, 'data');

  const refused = await ask(admin.tcpPort, { path });
  socket.destroy();
  await untilIdle(admin);
  const readers = [await openStream(admin), await openStream(admin)];

  assert.equal(refused.status, 503);
  assert.deepEqual(
    readers.map(({ answer }) => answer?.status),
    [200, 200],
  );
});

test('a tick is rendered once, however many read', async (context) => {
  const admin = await startAdmin(context);
  const { breaker } = admin.port.commands.find('reviews')!.description;
  const readers = await Promise.all(Array.from({ length: 5 }, () => openStream(admin)));
  const asked = context.mock.method(breaker, 'status');

  admin.clock.advance(500);
  await Promise.all(readers.map((reader) => reader.until(({ eventCount }) => eventCount === 4)));

  assert.equal(asked.mock.callCount(), 1);
});

test('the stream’s time of day is the wall clock’s, and its ticks are not', async (context) => {
  const admin = await startAdmin(context);
  const reader = await openStream(admin);
  await reader.until(({ eventCount }) => eventCount === 2);

  admin.clock.jumpWallTime(-3_600_000);
  admin.clock.advance(500);
  await reader.until(({ eventCount }) => eventCount === 4);

  assert.equal(reader.event(2).currentTime! - reader.event(0).currentTime!, 500 - 3_600_000);
});

test('a command that is dropped and comes back in the middle of a tick is told of once', () => {
  const commands = new Commands();
  for (let index = 0; index < 120; index += 1) commands.open(describeCommand(`c${index}`));
  const slices = renderEvents(commands, 0, 0);
  let text = String(slices.next().value);

  commands.close('c0');
  commands.open(describeCommand('c0'));
  for (const slice of slices) text += slice;

  assert.equal(text.match(/"HystrixCommand","name":"c0"/g)?.length, 1);
});

test('HEAD opens no stream', async (context) => {
  const admin = await startAdmin(context, { maxStreams: { hystrix: 0, all: 0 } });

  const answer = await ask(admin.tcpPort, { method: 'HEAD', path });

  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get('content-type'), 'text/event-stream;charset=UTF-8');
  assert.equal(answer.body, '');
  assert.equal(admin.clock.pendingTimers, 0);
});

test('reading the stream asks the breakers for their status and nothing else', async (context) => {
  const admin = await startAdmin(context);
  const asked: PropertyKey[] = [];
  const plain = describeCommand('ads');
  const breaker = new Proxy(plain.breaker, {
    get: (target, property) => {
      asked.push(property);
      return Reflect.get(target, property);
    },
  });
  admin.port.commands.open({ ...plain, breaker });

  await openStream(admin);

  assert.deepEqual([...new Set(asked)], ['status']);
});

test('a reader that takes nothing misses ticks while others go on, and comes back to the present', async (context) => {
  const admin = await startAdmin(context);
  for (let index = 0; index < 400; index += 1) admin.port.commands.open(describeCommand(`upstream-${index}`));
  const perTick = 2 * 401;
  const stuck = await openStream(admin);
  stuck.socket.pause();
  const fast = await openStream(admin);
  /** Ticks until it is so; between two of them the server has turns enough to send its slices and notice what was taken. */
  const tickUntil = async (isTrue: () => boolean) => {
    while (!isTrue()) {
      admin.clock.advance(500);
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
  };

  await tickUntil(() => fast.eventCount >= 30 * perTick);
  const resumedAt = admin.clock.wallTime();
  stuck.socket.resume();
  await tickUntil(() => stuck.event(-1).currentTime! > resumedAt);

  const missed = (fast.eventCount - stuck.eventCount) / perTick;
  assert.ok(missed > 10, `${missed} ticks were missed`);
});

test('a reader that takes nothing for a minute is cut, and its place is free', async (context) => {
  const admin = await startAdmin(context, { maxStreams: { hystrix: 1, all: 1 } });
  for (let index = 0; index < 400; index += 1) admin.port.commands.open(describeCommand(`upstream-${index}`));
  const stuck = await openStream(admin);
  stuck.socket.pause();
  const since = admin.clock.now();

  while (admin.clock.pendingTimers > 0) {
    admin.clock.advance(500);
    await new Promise((resolve) => setImmediate(resolve));
  }

  const heldMs = admin.clock.now() - since;
  assert.ok(heldMs >= 60_000, String(heldMs));
  assert.equal((await openStream(admin)).answer?.status, 200);
});

test('when the admin interface closes, streams end', async (context) => {
  const admin = await startAdmin(context);
  const reader = await openStream(admin);
  const closed = new Promise((resolve) => reader.socket.once('close', resolve));

  await admin.server.close();

  await closed;
  assert.equal(admin.clock.pendingTimers, 0);
});

for (const [text, expected] of [
  [null, 500],
  ['', 500],
  ['abc', 500],
  ['1e9', 500],
  ['1', 500],
  ['-5', 500],
  ['700', 700],
  ['99999999', 10_000],
] as const) {
  test(`delay=${text} means ${expected} ms`, () => {
    assert.equal(parseDelayMs(text), expected);
  });
}
