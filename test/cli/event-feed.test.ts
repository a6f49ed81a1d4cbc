import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type TestContext, test } from 'node:test';
import { EventFeed } from '../../src/cli/event-feed.ts';
import { Signal } from '../rig/eventually.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

/** An empty picture, with the incidents of these numbers after it. */
const snapshotText = (numbers: readonly number[]): string => {
  const data = {
    at: 0,
    nowMs: 0,
    tickMs: 1000,
    process: {},
    commands: [],
    upstreams: [],
    recent: [],
    history: { endsAtMs: 0, commands: {} },
    resumed: null,
  };
  const incidents = numbers.map(
    (number) => `event: reload\nid: p-${number}\ndata: {"kind":"reload","at":${number}}\n\n`,
  );
  return `event: snapshot\nid: p-${(numbers[0] ?? 1) - 1}\ndata: ${JSON.stringify(data)}\n\n${incidents.join('')}`;
};

/** A feed of a server that answers the way the test says, one way for each connection. */
const startFeed = async (context: TestContext, answers: readonly ((response: ServerResponse) => void)[]) => {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answers[requests.length - 1]?.(response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const clock = new VirtualClock();
  const changed = new Signal();
  const target = { origin: `http://127.0.0.1:${port}`, token: null };
  const feed = new EventFeed({ target, clock, onChange: () => changed.raise() });
  const ended = feed.run();
  context.after(async () => {
    feed.close();
    server.close();
    server.closeAllConnections();
    await ended;
  });
  const until = (isSo: () => boolean) => changed.until(() => (isSo() ? true : null));
  return { feed, clock, requests, ended, changed, until };
};

test('a stream that breaks is taken up again after the last incident that was seen', async (context) => {
  const { feed, clock, requests, until } = await startFeed(context, [
    (response) => response.write(snapshotText([6, 7]), () => response.destroy()),
    (response) => response.write(snapshotText([8])),
  ]);
  await until(() => feed.board.incidents.length === 2 && !feed.state.isLive);
  const why = feed.state.why;

  clock.advance(500);
  await until(() => feed.state.isLive && feed.board.incidents.length === 1);

  assert.match(why, /^no answer from http/);
  assert.deepEqual(
    requests.map(({ headers }) => headers['last-event-id']),
    [undefined, 'p-7'],
  );
});

test('a stream that is silent for five seconds counts as gone', async (context) => {
  const { feed, clock, until } = await startFeed(context, [
    (response) => response.write(snapshotText([])),
    (response) => response.write(snapshotText([])),
  ]);
  await until(() => feed.state.isLive);

  clock.advance(5000);
  await until(() => !feed.state.isLive);
  const { why } = feed.state;
  clock.advance(500);
  await until(() => feed.state.isLive);

  assert.match(why, /is silent$/);
});

test('the waits grow while nobody answers, and closing ends them', async (context) => {
  const refuse = (response: ServerResponse) => response.writeHead(503).end();
  const { feed, clock, requests, ended, changed, until } = await startFeed(context, [
    (response) => response.end(snapshotText([])),
    refuse,
    refuse,
    refuse,
  ]);
  await until(() => !feed.state.isLive && feed.state.why !== '');

  for (const [asked, waitMs] of [500, 1000, 2000].entries()) {
    clock.advance(waitMs - 1);
    assert.equal(requests.length, asked + 1);
    clock.advance(1);
    // Told of the refusal, it waits again.
    await changed.next();
    assert.match(feed.state.why, /no stream left/);
    assert.equal(requests.length, asked + 2);
  }
  feed.close();

  assert.equal(await ended, null);
  assert.equal(clock.pendingTimers, 0);
});
