import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { answering, ok, type RawExchange, startRawUpstream } from '../rig/raw-upstream.ts';
import { openClient, UndiciNotes } from '../rig/undici-notes.ts';

/**
 * What undici itself does, with none of our code around it: the left half of the table of decision 26. A new version of
 * undici that does something else fails here, and that half of the table is written anew.
 */

const h = 'HTTP/1.1 200 OK\r\n';
const counted = `${h}Content-Length: 2\r\n\r\n`;
const chunked = `${h}Transfer-Encoding: chunked\r\n\r\n`;
const end = (exchange: RawExchange): void => void exchange.connection.socket.end();
const reset = (exchange: RawExchange): void => void exchange.connection.socket.resetAndDestroy();

interface More {
  readonly method?: 'HEAD';
  /** What the server does when so much was told, or nothing can be. */
  readonly cut?: (exchange: RawExchange) => void;
  /** undici's option of that name. */
  readonly reset?: boolean;
}

/** What the server sends; what undici tells; what becomes of the connection. */
type Row = readonly [what: string, bytes: string, told: string, end: 'kept' | 'closed', more?: More];

const mismatch = 'error UND_ERR_RES_CONTENT_LENGTH_MISMATCH';
const parserError = 'error HTTPParserError';
const whole = 'head 200, data ok, end';
const twoChunks = '2\r\nok\r\n0\r\n\r\n';

const rows: readonly Row[] = [
  ['a 304 with Content-Length', 'HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n', 'head 304, end', 'closed'],
  ['a 304 without', 'HTTP/1.1 304 No\r\n\r\n', 'head 304, end', 'kept'],
  ['a 204 with Content-Length', 'HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n', 'head 204, end', 'closed'],
  ['an answer to HEAD', `${h}Content-Length: 9\r\n\r\n`, 'head 200, end', 'closed', { method: 'HEAD' }],
  [
    'an answer to HEAD with reset: false',
    `${h}Content-Length: 9\r\n\r\n`,
    'head 200, end',
    'kept',
    { method: 'HEAD', reset: false },
  ],
  ['an unasked 100', `HTTP/1.1 100 Continue\r\n\r\n${counted}ok`, 'error UND_ERR_SOCKET', 'closed'],
  [
    'a 102 and a 103',
    `HTTP/1.1 102 P\r\n\r\nHTTP/1.1 103 E\r\n\r\n${counted}ok`,
    `head 102, head 103, ${whole}`,
    'kept',
  ],
  [
    'an unasked 101',
    'HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    'error UND_ERR_SOCKET',
    'closed',
  ],
  ['a 101 without a protocol', 'HTTP/1.1 101 S\r\n\r\n', 'head 101, error ERR_ASSERTION', 'closed'],
  ['an equal second length', `${h}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, mismatch, 'closed'],
  ['a different second length', `${h}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok`, mismatch, 'closed'],
  ['a list of lengths', `${h}Content-Length: 2, 2\r\n\r\nok`, mismatch, 'closed'],
  [
    'a length, then chunks',
    `${h}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n${twoChunks}`,
    mismatch,
    'closed',
  ],
  [
    'chunks, then a length',
    `${h}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n${twoChunks}`,
    parserError,
    'closed',
  ],
  ['a coding of gzip', `${h}Transfer-Encoding: gzip\r\n\r\nok`, whole, 'closed', { cut: end }],
  [
    'HTTP/1.0 with chunks',
    `HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${twoChunks}`,
    whole,
    'closed',
  ],
  ['HTTP/2.0', 'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok', whole, 'closed'],
  ['HTTP/0.9', 'HTTP/0.9 200 OK\r\nContent-Length: 2\r\n\r\nok', whole, 'closed'],
  [
    'content that is too short',
    `${counted}o`,
    'head 200, data o, error UND_ERR_SOCKET',
    'closed',
    { cut: end },
  ],
  [
    'the same after Connection: close',
    `${h}Connection: close\r\nContent-Length: 2\r\n\r\no`,
    `head 200, data o, ${mismatch}`,
    'closed',
    { cut: end },
  ],
  [
    'chunks without the last',
    `${chunked}1\r\no\r\n`,
    'head 200, data o, error UND_ERR_SOCKET',
    'closed',
    { cut: end },
  ],
  [
    'chunks and a reset',
    `${chunked}1\r\no\r\n`,
    'head 200, data o, error ECONNRESET',
    'closed',
    { cut: reset },
  ],
  ['content until the end of the connection', `${h}\r\nok`, whole, 'closed', { cut: end }],
  ['the same and a reset, taken for the end', `${h}\r\nok`, whole, 'closed', { cut: reset }],
  ['a status of 099', 'HTTP/1.1 099 X\r\n\r\n', 'head 99, error ERR_ASSERTION', 'closed'],
  ['a status of 600', 'HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n', 'head 600, end', 'kept'],
  ['a folded field', `${h}X-A: b\r\n c\r\n\r\n`, parserError, 'closed'],
  ['a control character', `${h}X-A: b\x07\r\n\r\n`, parserError, 'closed'],
  [
    'a head over the limit',
    `${h}X-A: ${'b'.repeat(70_000)}\r\n\r\n`,
    'error UND_ERR_HEADERS_OVERFLOW',
    'closed',
  ],
  ['an empty line first', `\r\n${counted}ok`, whole, 'kept'],
  ['a second answer', `${counted}ok${counted}no`, whole, 'closed'],
  [
    'a trailer called Content-Length',
    `${chunked}2\r\nok\r\n0\r\nContent-Length: 9\r\n\r\n`,
    `head 200, data ok, ${parserError}`,
    'closed',
  ],
];

for (const [what, bytes, told, after, { method = 'GET', cut, ...options } = {}] of rows) {
  test(`undici with ${what}: ${told}`, { timeout: 10_000 }, async (t) => {
    const notes = new UndiciNotes();
    const upstream = await startRawUpstream(t, async (exchange) => {
      exchange.write(bytes);
      if (cut === undefined) return;
      await notes.count(told.split(', ').length);
      cut(exchange);
    });
    const client = openClient(t, upstream.port, { maxHeaderSize: 65_536 });

    client.dispatch({ method, path: '/x', ...options }, notes);

    assert.equal((await notes.over()).slice(1).join(', '), told);
    const connection = upstream.connections[0]!;
    if (after === 'closed') {
      await connection.over();
      return;
    }
    upstream.handler = answering(ok());
    const again = new UndiciNotes();
    client.dispatch({ method: 'GET', path: '/x' }, again);
    await again.over();
    assert.equal(upstream.exchanges.at(-1)!.connection, connection);
  });
}

test('undici hands 3,000 fields over, each by itself, in their order and case, as latin1', async (t) => {
  const fields = `X-B: 1\r\nset-Cookie: a\r\nSet-Cookie: b\r\nx-c: caf\xe9\r\n${'X-A: b\r\n'.repeat(3000)}`;
  const upstream = await startRawUpstream(t, (exchange) =>
    exchange.write(Buffer.from(`HTTP/1.1 200 caf\xe9\r\n${fields}Content-Length: 0\r\n\r\n`, 'latin1')),
  );
  const notes = new UndiciNotes();

  openClient(t, upstream.port, { maxHeaderSize: 65_536 }).dispatch({ method: 'GET', path: '/x' }, notes);
  await notes.over();

  assert.deepEqual(notes.rawHeaders.slice(0, 8), [
    'X-B',
    '1',
    'set-Cookie',
    'a',
    'Set-Cookie',
    'b',
    'x-c',
    'caf\xe9',
  ]);
  assert.equal(notes.rawHeaders.length, 2 * 3005);
  assert.equal(notes.reasonPhrase, 'caf\ufffd', 'the phrase is read as UTF-8');
});

test('undici tells the last part of a reason phrase that came in two', async (t) => {
  const notes = new UndiciNotes();
  const upstream = await startRawUpstream(t, async (exchange) => {
    exchange.write('HTTP/1.1 103 E\r\n\r\nHTTP/1.1 200 All ');
    await notes.count(2);
    exchange.write('right\r\nContent-Length: 0\r\n\r\n');
  });

  openClient(t, upstream.port).dispatch({ method: 'GET', path: '/x' }, notes);
  await notes.over();

  assert.equal(notes.reasonPhrase, 'right');
});

for (const [what, options] of [
  ['Expect', { method: 'POST', path: '/x', headers: ['Expect', '100-continue'], body: 'a' }],
  ['OPTIONS *', { method: 'OPTIONS', path: '*' }],
] as const) {
  test(`undici refuses ${what} before anything is sent`, async (t) => {
    const upstream = await startRawUpstream(t);
    const notes = new UndiciNotes();

    openClient(t, upstream.port).dispatch(
      { ...options, headers: 'headers' in options ? [...options.headers] : [] },
      notes,
    );

    assert.match(notes.told.join(', '), /^error UND_ERR_(?:NOT_SUPPORTED|INVALID_ARG)$/);
    assert.equal(upstream.connections.length, 0);
  });
}

test('undici sends the head of an upload only with its first content', async (t) => {
  const upstream = await startRawUpstream(t, () => {});
  const notes = new UndiciNotes();
  const body = new Readable({ read() {} });

  openClient(t, upstream.port).dispatch(
    { method: 'POST', path: '/x', headers: ['Content-Length', '3'], body },
    notes,
  );
  await notes.count(1);
  const connection = await upstream.connection(0);
  // The server speaks first: by the time it is heard, a head would be there.
  connection.write('HTTP/1.1 102 P\r\n\r\n');
  await notes.count(2);
  assert.equal(connection.received.length, 0);
  body.push('abc');

  assert.equal((await upstream.exchange(0)).startLine, 'POST /x HTTP/1.1');
});

test('undici lets a client that leaves abort, and closes the connection', async (t) => {
  const upstream = await startRawUpstream(t, (exchange) => exchange.write(`${counted}o`));
  const notes = new UndiciNotes();
  openClient(t, upstream.port).dispatch({ method: 'GET', path: '/x' }, notes);
  await notes.count(3);

  notes.controller!.abort(new Error('left'));

  assert.equal((await notes.over()).at(-1), 'error Error');
  await upstream.connections[0]!.over();
});

test('undici does not repeat a request whose kept connection died', async (t) => {
  const upstream = await startRawUpstream(t, answering(ok()));
  const client = openClient(t, upstream.port);
  const first = new UndiciNotes();
  client.dispatch({ method: 'GET', path: '/x' }, first);
  await first.over();
  upstream.handler = end;
  const second = new UndiciNotes();

  client.dispatch({ method: 'GET', path: '/x' }, second);

  assert.equal((await second.over()).at(-1), 'error UND_ERR_SOCKET');
  assert.equal(upstream.exchanges.length, 2);
});

test('undici asks for another connection where the kept one was closed before the request began', async (t) => {
  const upstream = await startRawUpstream(t, answering(ok()));
  const client = openClient(t, upstream.port);
  const first = new UndiciNotes();
  client.dispatch({ method: 'GET', path: '/x' }, first);
  await first.over();
  upstream.connections[0]!.socket.destroy();
  await eventually('undici has seen it', () => !client.stats.connected);
  const second = new UndiciNotes();

  client.dispatch({ method: 'GET', path: '/x' }, second);

  assert.equal((await second.over()).at(-1), 'end');
  assert.equal(client.connections, 2);
});

test('undici closes an idle connection on which something comes unasked', async (t) => {
  const upstream = await startRawUpstream(t, answering(ok()));
  const client = openClient(t, upstream.port);
  const first = new UndiciNotes();
  client.dispatch({ method: 'GET', path: '/x' }, first);
  await first.over();

  upstream.connections[0]!.write(ok('poison'));

  await upstream.connections[0]!.over();
});
