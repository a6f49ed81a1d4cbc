import assert from 'node:assert/strict';
import type { NetConnectOpts, Socket } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { connectForStreams } from '../../src/upstream/dialer.ts';
import { UndiciTransport } from '../../src/upstream/undici-transport.ts';
import type { Owner } from '../rig/owner.ts';
import { plainRequest } from '../rig/plain-request.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { clientBoundsForTests, openDialer, openEndpoint } from '../rig/real-transports.ts';
import { begin, SinkNotes } from '../rig/sink-notes.ts';

/** A transport, and the sockets that it was given. */
const openWatched = (owner: Owner) => {
  const sockets: Socket[] = [];
  const connect = (options: NetConnectOpts): Socket => {
    const socket = connectForStreams(options);
    sockets.push(socket);
    return socket;
  };
  const transport = new UndiciTransport({
    clock: systemClock,
    dialer: openDialer(owner, { connect }),
    pool: { connectionsPerEndpoint: 3, maxIdle: 3, idleMs: 60_000 },
    bounds: clientBoundsForTests,
  });
  return { transport, sockets };
};

// undici reads what lies on a kept connection before it writes to it, with a parser that all connections share.
test('an attempt from within another answer does not enter undici’s parser twice', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const endpoint = openEndpoint(t, upstream.port);
  const { transport, sockets } = openWatched(t);
  const first = begin(transport, endpoint);
  await upstream.exchange(0);
  const other = begin(transport, endpoint);
  await upstream.exchange(1);
  upstream.exchanges[1]!.write(ok());
  await other.notes.over();
  upstream.handler = answering(ok('mine'));
  const notes = new SinkNotes();
  first.notes.during.head = () => {
    // Has been read from the system, and not been told yet.
    sockets[1]!.push(Buffer.from(ok('poison')));
    transport.prepare(endpoint, plainRequest, notes).start();
  };

  upstream.exchanges[0]!.write(ok());

  assert.equal(await notes.over(), 'end success 200');
  assert.equal(notes.content, 'mine');
});

test('an answer that is resumed from within another one goes on', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const endpoint = openEndpoint(t, upstream.port);
  const { transport } = openWatched(t);
  const paused = begin(transport, endpoint);
  await upstream.exchange(0);
  paused.notes.during.head = (attempt) => attempt.pause();
  upstream.exchanges[0]!.write(ok('held'));
  await paused.notes.count(2);
  const other = begin(transport, endpoint);
  other.notes.during.head = () => paused.attempt.resume();

  (await upstream.exchange(1)).write(ok());

  assert.equal(await other.notes.over(), 'end success 200');
  assert.equal(await paused.notes.over(), 'end success 200');
  assert.equal(paused.notes.content, 'held');
});
