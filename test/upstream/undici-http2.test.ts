import assert from 'node:assert/strict';
import { constants } from 'node:http2';
import { test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { clientGone, failure } from '../../src/policy/outcome.ts';
import type { PoolSettings } from '../../src/upstream/sources.ts';
import type { OutgoingRequest } from '../../src/upstream/transport.ts';
import { UndiciTransport } from '../../src/upstream/undici-transport.ts';
import { eventually } from '../rig/eventually.ts';
import { GivenContent } from '../rig/given-content.ts';
import { type H2Call, type H2Server, selfSigned, startH2Server, TrustingDialer } from '../rig/h2-server.ts';
import type { Owner } from '../rig/owner.ts';
import { plainRequest } from '../rig/plain-request.ts';
import { clientBoundsForTests, openEndpoint } from '../rig/real-transports.ts';
import { begin } from '../rig/sink-notes.ts';

const options = { skip: selfSigned() === null ? 'there is no openssl' : false, timeout: 15_000 };

const open = (owner: Owner, server: H2Server, pool: Partial<PoolSettings> = {}) => {
  const dialer = new TrustingDialer();
  const transport = new UndiciTransport({
    clock: systemClock,
    dialer,
    pool: { connectionsPerEndpoint: 4, maxIdle: 4, idleMs: 60_000, ...pool },
    bounds: clientBoundsForTests,
  });
  const endpoint = openEndpoint(owner, server.port);
  return { dialer, endpoint, send: (request?: OutgoingRequest) => begin(transport, endpoint, request) };
};

const upload = (body: GivenContent, more: Partial<OutgoingRequest> = {}): OutgoingRequest => ({
  ...plainRequest,
  method: 'POST',
  headText: 'POST /x HTTP/1.1\r\nHost: u.test\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n',
  body,
  ...more,
});

test('HTTP/2: a request and its answer, informational heads and trailers', options, async (t) => {
  const server = await startH2Server(t, ({ stream }) => {
    stream.additionalHeaders({ ':status': 103, link: 'x' });
    stream.respond(
      { ':status': 200, 'set-cookie': ['a=1', 'b=2'], 'x-c': 'caf\xe9' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1', 'set-cookie': 'no' }));
    stream.end('ok');
  });
  const { notes } = open(t, server).send({
    ...plainRequest,
    headText:
      'GET /x?y HTTP/1.1\r\nHost: u.test:1\r\nX-Mixed: A\r\nTE: trailers\r\nCookie: a\r\nCookie: b\r\nVia: 1.1 us\r\n\r\n',
  });

  assert.equal(await notes.over(), 'end success 200');
  assert.deepEqual(notes.told.slice(0, 3), ['connected', 'informational 103', 'head 200']);
  assert.equal(notes.content, 'ok');
  assert.equal(notes.trailers, 'x-sum: 1\r\n');
  assert.match(notes.headText, /^HTTP\/1\.1 200 \r\n/);
  assert.match(notes.headText, /set-cookie: a=1\r\nset-cookie: b=2\r\n/);
  assert.match(notes.headText, /x-c: caf\xe9\r\n/);
  const { headers } = server.calls[0]!;
  assert.equal(headers[':path'], '/x?y');
  assert.equal(headers[':scheme'], 'https');
  assert.equal(headers[':authority'], 'u.test:1');
  assert.equal(headers['x-mixed'], 'A');
  assert.equal(headers['te'], 'trailers');
  assert.equal(headers.cookie, 'a; b');
  assert.equal(headers.host, undefined);
});

test('HTTP/2: many requests share a connection, which counts once', options, async (t) => {
  const server = await startH2Server(t, () => {});
  const { dialer, endpoint, send } = open(t, server, { connectionsPerEndpoint: 1 });
  const attempts = Array.from({ length: 20 }, () => send());
  await server.call(19);

  for (const { stream } of server.calls) stream.respond({ ':status': 204 }, { endStream: true });
  for (const { notes } of attempts) assert.equal(await notes.over(), 'end success 204');

  assert.equal(dialer.dials, 1);
  assert.equal(server.sessions.length, 1);
  const { size, idle } = endpoint.connections as unknown as { size: number; idle: number };
  assert.deepEqual({ size, idle }, { size: 1, idle: 1 });
});

test('HTTP/2: another Host does not close the connection', options, async (t) => {
  const server = await startH2Server(t);
  const { dialer, send } = open(t, server);

  for (const host of ['a.test', 'b.test', '127.0.0.1:1']) {
    const headText = `GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    assert.equal(await send({ ...plainRequest, headText }).notes.over(), 'end success 200');
  }

  assert.equal(dialer.dials, 1);
});

test(
  'HTTP/2: content is sent as it comes, with its head at once; the leave to send it is ours',
  options,
  async (t) => {
    const server = await startH2Server(t, () => {});
    const body = new GivenContent();
    const { notes } = open(t, server).send(upload(body));
    const { stream, headers } = await server.call(0);
    assert.equal(headers.expect, undefined);
    assert.ok(notes.told.includes('informational 100'));
    let received = '';
    stream.on('data', (chunk: Buffer) => {
      received += chunk;
    });
    body.give('abc');
    await eventually('the first piece', () => received === 'abc');
    body.give('def');
    body.end();
    await eventually('all of it', () => received === 'abcdef');

    stream.respond({ ':status': 200 }, { endStream: true });

    assert.equal(await notes.over(), 'end success 200');
  },
);

test('HTTP/2: who leaves resets the stream; the connection goes on', options, async (t) => {
  const server = await startH2Server(t, () => {});
  const { dialer, send } = open(t, server);
  const { attempt } = send();
  const { stream } = await server.call(0);
  stream.respond({ ':status': 200 });
  await server.call(0);

  attempt.abort(clientGone);
  await eventually('the stream is reset', () => stream.closed);
  server.handler = ({ stream: next }) => next.respond({ ':status': 200 }, { endStream: true });

  assert.equal(await send().notes.over(), 'end success 200');
  assert.equal(dialer.dials, 1);
});

test('HTTP/2: a connection on which a request was answered by nobody takes no other', options, async (t) => {
  const server = await startH2Server(t, () => {});
  const { dialer, send } = open(t, server);
  const { notes, attempt } = send();
  await server.call(0);

  attempt.abort(failure('attempt_timeout', false));
  server.handler = ({ stream }) => stream.respond({ ':status': 200 }, { endStream: true });

  assert.equal(notes.isUnsent, false);
  assert.equal(await send().notes.over(), 'end success 200');
  assert.equal(dialer.dials, 2);
});

for (const [code, isUnsent] of [
  ['NGHTTP2_REFUSED_STREAM', true],
  ['NGHTTP2_INTERNAL_ERROR', false],
] as const) {
  for (const body of [null, new GivenContent()]) {
    const what = body === null ? 'without content' : 'with content';
    test(
      `HTTP/2: a request ${what} that gets ${code} is ${isUnsent ? 'unsent' : 'a reset'}, once`,
      options,
      async (t) => {
        const server = await startH2Server(t, ({ stream }) => stream.close(constants[code]));
        const { notes } = open(t, server).send(body === null ? plainRequest : upload(body));

        assert.equal(await notes.over(), 'end failure reset');
        assert.equal(notes.isUnsent, isUnsent);
        assert.equal(server.calls.length, 1);
      },
    );
  }
}

test('HTTP/2: a stream that is reset in its content is an incomplete answer', options, async (t) => {
  const server = await startH2Server(t, ({ stream }) => {
    stream.respond({ ':status': 200, 'content-length': 9 });
    stream.write('abc');
  });
  const { notes } = open(t, server).send();
  await notes.hasContent('abc');

  server.calls[0]!.stream.close(constants.NGHTTP2_INTERNAL_ERROR);

  assert.equal(await notes.over(), 'end failure response_incomplete');
});

test('HTTP/2: after GOAWAY what it covers ends well, and what is new goes elsewhere', options, async (t) => {
  const server = await startH2Server(t, () => {});
  const { dialer, send } = open(t, server);
  const running = send();
  const { stream } = await server.call(0);
  server.sessions[0]!.goaway(constants.NGHTTP2_NO_ERROR, stream.id!);
  stream.respond({ ':status': 200 });
  await running.notes.count(2);

  server.handler = ({ stream: next }) => next.respond({ ':status': 204 }, { endStream: true });
  assert.equal(await send().notes.over(), 'end success 204');
  stream.end('ok');

  assert.equal(await running.notes.over(), 'end success 200');
  assert.equal(dialer.dials, 2);
});

test('HTTP/2: what GOAWAY does not cover was not dealt with', options, async (t) => {
  const calls: H2Call[] = [];
  const server = await startH2Server(t, (call) => calls.push(call));
  const { send } = open(t, server);
  const first = send();
  await server.call(0);
  const second = send({
    ...plainRequest,
    method: 'POST',
    headText: 'POST /x HTTP/1.1\r\nHost: u\r\nContent-Length: 0\r\n\r\n',
  });
  await server.call(1);

  server.sessions[0]!.goaway(constants.NGHTTP2_NO_ERROR, calls[0]!.stream.id!);

  await eventually('it is told', () => second.notes.told.length > 1);
  // The connection was a kept one: it goes out once more, on a new one.
  await server.call(2);
  calls[2]!.stream.respond({ ':status': 201 }, { endStream: true });
  calls[0]!.stream.respond({ ':status': 200 }, { endStream: true });
  assert.equal(await second.notes.over(), 'end success 201');
  assert.equal(await first.notes.over(), 'end success 200');
});

test('HTTP/2: a lost connection is a reset for all that it carried', options, async (t) => {
  const server = await startH2Server(t, () => {});
  const { send } = open(t, server);
  const first = send();
  await server.call(0);
  const attempts = [first, send()];
  await server.call(1);

  for (const socket of server.rawSockets) socket.resetAndDestroy();

  for (const { notes } of attempts) assert.equal(await notes.over(), 'end failure reset');
});

test('HTTP/2: who pauses holds up the stream, and not its neighbours', options, async (t) => {
  const total = 4 * 1024 * 1024;
  const server = await startH2Server(t, ({ stream }) => {
    stream.respond({ ':status': 200 });
    stream.end(Buffer.alloc(total, 'x'));
  });
  const { send } = open(t, server, { connectionsPerEndpoint: 1 });
  const slow = send();
  slow.notes.during.head = (attempt) => attempt.pause();
  await slow.notes.count(2);

  const quick = send();
  assert.equal(await quick.notes.over(), 'end success 200');
  assert.equal(slow.notes.content, '');
  slow.attempt.resume();

  assert.equal(await slow.notes.over(), 'end success 200');
  assert.equal(slow.notes.content.length, total);
});

test('HTTP/2: a 408 is an answer, not the end of the connection', options, async (t) => {
  const server = await startH2Server(t);
  const { send } = open(t, server);
  await send().notes.over();
  server.handler = ({ stream }) => stream.respond({ ':status': 408 }, { endStream: true });

  assert.equal(await send({ ...plainRequest, isRepeatable: true }).notes.over(), 'end success 408');
});

test('HTTP/2: where the server allows few streams, another connection is made', options, async (t) => {
  const server = await startH2Server(t, undefined, { maxConcurrentStreams: 2 });
  const { send } = open(t, server, { connectionsPerEndpoint: 2 });
  // With an answer the server's settings have come.
  await send().notes.over();
  server.handler = () => {};

  // The third waits: only by that is the limit known.
  for (let i = 0; i < 5; i += 1) send();
  await server.call(4);

  assert.equal(server.sessions.length, 2);
});
