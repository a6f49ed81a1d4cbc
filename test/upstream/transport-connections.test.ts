import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientGone, failure } from '../../src/policy/outcome.ts';
import type { OutgoingRequest } from '../../src/upstream/transport.ts';
import { eventually } from '../rig/eventually.ts';
import { GivenContent } from '../rig/given-content.ts';
import { plainRequest } from '../rig/plain-request.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { openEndpoint, realTransports } from '../rig/real-transports.ts';
import { begin } from '../rig/sink-notes.ts';

const repeatable: OutgoingRequest = { ...plainRequest, isRepeatable: true };

for (const [name, open] of Object.entries(realTransports)) {
  test(`${name}: one request after another goes on the same connection`, async (t) => {
    const upstream = await startRawUpstream(t, answering(ok()));
    const endpoint = openEndpoint(t, upstream.port);
    const transport = open(t);

    for (let i = 0; i < 3; i += 1) {
      const { notes } = begin(transport, endpoint);
      assert.equal(await notes.over(), 'end success 200');
    }

    assert.equal(upstream.connections.length, 1);
  });

  test(`${name}: to an endpoint that is removed already a connection is opened, and not kept`, async (t) => {
    const upstream = await startRawUpstream(t, answering(ok()));
    const endpoint = openEndpoint(t, upstream.port);
    endpoint.isRemoved = true;

    const { notes } = begin(open(t), endpoint);

    assert.equal(await notes.over(), 'end success 200');
    await (await upstream.exchange(0)).connection.over();
  });

  test(`${name}: an attempt waits for a place, and gets the next one that is free`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const endpoint = openEndpoint(t, upstream.port);
    const transport = open(t, { connectionsPerEndpoint: 1 });
    const first = begin(transport, endpoint);
    await upstream.exchange(0);
    const second = begin(transport, endpoint);
    assert.deepEqual(second.notes.told, []);

    (await upstream.exchange(0)).write(ok('one'));
    await first.notes.over();
    (await upstream.exchange(1)).write(ok('two'));
    await second.notes.over();

    assert.equal(second.notes.content, 'two');
    assert.equal(upstream.connections.length, 1);
  });

  test(`${name}: time that runs out while every connection is taken is a full pool`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const endpoint = openEndpoint(t, upstream.port);
    const transport = open(t, { connectionsPerEndpoint: 1 });
    begin(transport, endpoint);
    await upstream.exchange(0);
    const { notes, attempt } = begin(transport, endpoint);

    attempt.abort(failure('attempt_timeout', false));

    assert.deepEqual(notes.told, ['end rejected pool_exhausted']);
  });

  test(`${name}: an attempt that is aborted frees its place`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const endpoint = openEndpoint(t, upstream.port);
    const transport = open(t, { connectionsPerEndpoint: 1 });
    const { attempt } = begin(transport, endpoint);
    const { connection } = await upstream.exchange(0);
    const second = begin(transport, endpoint);

    attempt.abort(clientGone);

    await connection.over();
    (await upstream.exchange(1)).write(ok('two'));
    assert.equal(await second.notes.over(), 'end success 200');
  });

  test(`${name}: a refused connection ends the attempt, unsent`, async (t) => {
    const upstream = await startRawUpstream(t);
    const endpoint = openEndpoint(t, upstream.port);
    upstream.kill();
    const { notes } = begin(open(t), endpoint);

    assert.equal(await notes.over(), 'end failure connect_refused');
    assert.equal(notes.isUnsent, true);
    assert.equal(notes.told.length, 1);
  });

  test(`${name}: aborted before there is a connection, it was not sent`, async (t) => {
    const upstream = await startRawUpstream(t);
    const { notes, attempt } = begin(open(t), openEndpoint(t, upstream.port));

    attempt.abort(failure('attempt_timeout', false));

    assert.equal(notes.isUnsent, true);
    assert.deepEqual(notes.told, ['end failure attempt_timeout']);
  });

  test(`${name}: aborted after it was written, it counts as sent`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const { notes, attempt } = begin(open(t), openEndpoint(t, upstream.port));
    await upstream.exchange(0);

    attempt.abort(failure('attempt_timeout', false));

    assert.equal(notes.isUnsent, false);
  });

  for (const [what, request] of [
    ['a repeatable request', repeatable],
    [
      'one with content',
      {
        ...repeatable,
        method: 'PUT',
        headText: 'PUT /x HTTP/1.1\r\nHost: u\r\nContent-Length: 3\r\n\r\n',
      },
    ],
  ] as const) {
    test(`${name}: ${what} goes out afresh where the kept connection dies without an answer`, async (t) => {
      const upstream = await startRawUpstream(t, answering(ok('one')));
      const endpoint = openEndpoint(t, upstream.port);
      const transport = open(t);
      await begin(transport, endpoint).notes.over();
      upstream.handler = async (exchange) => {
        await exchange.whole();
        exchange.connection.socket.end();
        upstream.handler = answering(ok('two'));
      };
      const body = request.method === 'PUT' ? new GivenContent(3) : null;
      body?.give('abc');
      body?.end();

      const { notes } = begin(transport, endpoint, { ...request, body });

      assert.equal(await notes.over(), 'end success 200');
      assert.equal(notes.content, 'two');
      assert.equal(upstream.connections.length, 2);
      assert.equal(upstream.messages.at(-1)!.body.toString(), body === null ? '' : 'abc');
    });
  }

  test(`${name}: one that may not be repeated does not, and its failure is told`, async (t) => {
    const upstream = await startRawUpstream(t, answering(ok('one')));
    const endpoint = openEndpoint(t, upstream.port);
    const transport = open(t);
    await begin(transport, endpoint).notes.over();
    upstream.handler = async (exchange) => exchange.connection.socket.resetAndDestroy();

    const { notes } = begin(transport, endpoint);

    assert.equal(await notes.over(), 'end failure reset');
    assert.equal(notes.isUnsent, false);
    assert.equal(upstream.exchanges.length, 2);
  });

  test(`${name}: a 408 that says goodbye to a kept connection is not the answer`, async (t) => {
    const upstream = await startRawUpstream(t, answering(ok('one')));
    const endpoint = openEndpoint(t, upstream.port);
    const transport = open(t);
    await begin(transport, endpoint).notes.over();
    upstream.handler = (exchange) => {
      upstream.handler = answering(ok('two'));
      exchange.write('HTTP/1.1 408 Idle\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    };

    const { notes } = begin(transport, endpoint, repeatable);

    assert.equal(await notes.over(), 'end success 200');
    assert.equal(notes.content, 'two');
  });

  test(`${name}: a connection that died on a fresh request is not tried once more`, async (t) => {
    const upstream = await startRawUpstream(t, (exchange) => exchange.connection.socket.resetAndDestroy());

    const { notes } = begin(open(t), openEndpoint(t, upstream.port), repeatable);

    assert.equal(await notes.over(), 'end failure reset');
    assert.equal(upstream.exchanges.length, 1);
  });

  test(`${name}: the trailers that may go on come with the end`, async (t) => {
    const upstream = await startRawUpstream(
      t,
      answering(
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nSet-Cookie: a=b\r\n\r\n',
      ),
    );

    const { notes } = begin(open(t), openEndpoint(t, upstream.port));

    assert.equal(await notes.over(), 'end success 200');
    assert.equal(notes.trailers, 'X-Sum: 1\r\n');
  });

  test(`${name}: a discarded answer leaves its connection to the next request`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const endpoint = openEndpoint(t, upstream.port);
    const transport = open(t, { connectionsPerEndpoint: 1 });
    const first = begin(transport, endpoint);
    first.notes.during.head = (attempt) => attempt.discard();
    (await upstream.exchange(0)).write('HTTP/1.1 503 No\r\nContent-Length: 6\r\n\r\nnot');
    await first.notes.count(2);
    const second = begin(transport, endpoint);

    upstream.exchanges[0]!.write('yet');
    (await upstream.exchange(1)).write(ok('two'));
    await second.notes.over();

    assert.equal(second.notes.content, 'two');
    assert.equal(upstream.connections.length, 1);
    assert.deepEqual(first.notes.told, ['connected', 'head 503']);
  });

  test(`${name}: a discarded answer that is too long costs its connection`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const { notes } = begin(open(t), openEndpoint(t, upstream.port));
    notes.during.head = (attempt) => attempt.discard();
    const exchange = await upstream.exchange(0);

    exchange.write(`HTTP/1.1 503 No\r\nContent-Length: 900000\r\n\r\n${'x'.repeat(200_000)}`);

    await exchange.connection.over();
    assert.deepEqual(notes.told, ['connected', 'head 503']);
  });

  test(`${name}: a final answer before the upload is complete ends it and lets go of the content`, async (t) => {
    const upstream = await startRawUpstream(t, () => {});
    const body = new GivenContent(6);
    const headText = 'POST /x HTTP/1.1\r\nHost: u\r\nContent-Length: 6\r\n\r\n';
    const { notes } = begin(open(t), openEndpoint(t, upstream.port), {
      ...plainRequest,
      method: 'POST',
      headText,
      body,
    });
    await eventually('the content is asked for', () => body.consumer !== null);
    body.give('abc');
    const exchange = await upstream.exchange(0);

    exchange.write('HTTP/1.1 413 Too much\r\nContent-Length: 0\r\n\r\n');

    assert.equal(await notes.over(), 'end success 413');
    assert.equal(body.consumer, null);
    await exchange.connection.over();
  });

  test(`${name}: an upload is held up where the server does not read`, async (t) => {
    const upstream = await startRawUpstream(t, ({ connection }) => connection.socket.pause());
    const body = new GivenContent(-1);
    const headText = 'POST /x HTTP/1.1\r\nHost: u\r\nTransfer-Encoding: chunked\r\n\r\n';
    const { notes } = begin(open(t), openEndpoint(t, upstream.port), {
      ...plainRequest,
      method: 'POST',
      headText,
      body,
    });
    await eventually('the content is asked for', () => body.consumer !== null);
    body.give('first');
    const exchange = await upstream.exchange(0);
    const piece = Buffer.alloc(256 * 1024, 'x');
    let given = 5;

    // The system's own buffers fill first.
    await eventually('it is held up', () => {
      if (body.isPaused) return true;
      body.give(piece);
      given += piece.length;
      return false;
    });
    await eventually('for longer than a breath', () => body.isPaused);
    exchange.connection.socket.resume();
    await eventually('it goes on', () => !body.isPaused);
    body.end();
    const message = await exchange.whole();
    exchange.write(ok());

    assert.equal(message.body.length, given);
    assert.equal(await notes.over(), 'end success 200');
  });
}
