import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { goodRequest } from '../rig/refusal-table.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar({ after }, upstreamU([upstream.address]));

const chunkedHead = 'POST /x HTTP/1.1\r\nHost: u.test\r\nTransfer-Encoding: chunked\r\n\r\n';

const brokenBodies: readonly (readonly [name: string, body: string])[] = [
  ['a chunk size in 0x notation', '0x1\r\na\r\n0\r\n\r\n'],
  ['a negative chunk size', '-1\r\na\r\n0\r\n\r\n'],
  ['a chunk size with a plus sign', '+1\r\na\r\n0\r\n\r\n'],
  ['a space after the chunk size', '1 \r\na\r\n0\r\n\r\n'],
  ['a space before the chunk size', ' 1\r\na\r\n0\r\n\r\n'],
  ['an empty chunk size', '\r\na\r\n0\r\n\r\n'],
  ['a chunk size of 17 hexadecimal digits', '10000000000000001\r\na\r\n0\r\n\r\n'],
  ['a chunk size of 16 digits that no number holds', 'ffffffffffffffff\r\na\r\n0\r\n\r\n'],
  ['words after the chunk size', '1these\r\na\r\n0\r\n\r\n'],
  ['a bare LF after the chunk size', '1\na\r\n0\r\n\r\n'],
  ['a bare CR after the chunk size', '1\ra\r\n0\r\n\r\n'],
  ['a bare LF after the chunk data', '1\r\na\n0\r\n\r\n'],
  ['a bare LF after the last chunk size', '1\r\na\r\n0\n\r\n'],
  ['a bare LF at the very end', '1\r\na\r\n0\r\n\n'],
  ['chunk data that is longer than its size', '1\r\nab\r\n0\r\n\r\n'],
  ['a line feed inside a chunk extension', '1;a\nb\r\na\r\n0\r\n\r\n'],
  ['a NUL inside a chunk extension', '1;a\0b\r\na\r\n0\r\n\r\n'],
  ['a chunk extension of 20 KiB', `1;a=${'x'.repeat(20 * 1024)}\r\na\r\n0\r\n\r\n`],
  ['100,000 chunk extensions of one byte', `1${';a'.repeat(100_000)}\r\na\r\n0\r\n\r\n`],
  ['a chunk extension whose name is a quoted string', '1;"b c"\r\na\r\n0\r\n\r\n'],
  ['a trailer line without a colon', '1\r\na\r\n0\r\nnonsense\r\n\r\n'],
  ['a space before the colon of a trailer', '1\r\na\r\n0\r\nX-A : b\r\n\r\n'],
  ['a folded trailer', '1\r\na\r\n0\r\nX-A: b\r\n c\r\n\r\n'],
  ['a trailer section of 64 KiB', `1\r\na\r\n0\r\nX-A: ${'b'.repeat(64 * 1024)}\r\n\r\n`],
  ['1,000 trailers', `1\r\na\r\n0\r\n${'X-A: b\r\n'.repeat(1000)}\r\n`],
];

for (const [name, body] of brokenBodies) {
  test(`a body with ${name} is aborted: the upstream never sees its end`, { timeout: 10_000 }, async (t) => {
    const exchangesBefore = upstream.exchanges.length;
    const client = await connectRaw(t, sidecar.egress);

    client.send(chunkedHead + body);
    await client.closed();

    if (client.received.length > 0) {
      assert.ok([400, 413, 431].includes(statusOf(await client.response())));
    }
    for (const begun of upstream.exchanges.slice(exchangesBefore)) {
      await begun.connection.over();
      assert.equal(begun.message, null, 'the request was never completed');
      assert.equal(begun.connection.complaint, null, 'nothing malformed was passed on');
    }
    assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, goodRequest)), 200);
  });
}

test('a chunk extension without end is cut long before it fills the memory', {
  timeout: 20_000,
}, async (t) => {
  const client = await connectRaw(t, sidecar.egress);
  const piece = Buffer.alloc(64 * 1024, 'x');
  client.send(`${chunkedHead}1;a=`);

  let sent = 0;
  while (!client.isOver && sent < 256 * 1024 * 1024) {
    await new Promise((resolve) => client.socket.write(piece, resolve));
    sent += piece.length;
  }

  assert.ok(client.isOver, `still open after ${sent} bytes`);
  assert.ok(sent < 64 * 1024 * 1024, `cut after ${sent} bytes`);
});

const forbiddenTrailers = [
  'Content-Length: 5',
  'Transfer-Encoding: chunked',
  'Host: evil.test',
  'Authorization: Basic eA==',
  'Connection: close',
  'Proxy-Authorization: Basic eA==',
];

for (const line of forbiddenTrailers) {
  test(`a trailer "${line.split(':')[0]}" is dropped and never merged into the head`, async (t) => {
    const before = upstream.exchanges.length;

    const bytes = `${chunkedHead}1\r\na\r\n0\r\n${line}\r\nX-Checksum: 7\r\n\r\n`;
    const response = await exchangeRaw(t, sidecar.egress, bytes);

    assert.equal(statusOf(response), 200);
    const sent = upstream.exchanges[before]!.message!;
    assert.deepEqual(sent.trailers, [['X-Checksum', '7']]);
    assert.equal(fieldOf(sent, 'host'), 'u.test');
    assert.equal(fieldOf(sent, 'authorization'), undefined);
  });
}

test('a trailer after a chunked request body is forwarded', async (t) => {
  const before = upstream.exchanges.length;

  await exchangeRaw(t, sidecar.egress, `${chunkedHead}3\r\nabc\r\n0\r\nX-Checksum: 900150983cd2\r\n\r\n`);

  const sent = upstream.exchanges[before]!.message!;
  assert.equal(sent.body.toString(), 'abc');
  assert.deepEqual(sent.trailers, [['X-Checksum', '900150983cd2']]);
});

for (const [name, head, part] of [
  [
    'shorter than its Content-Length',
    'POST /short HTTP/1.1\r\nHost: u.test\r\nContent-Length: 10\r\n\r\n',
    'abc',
  ],
  ['without its last chunk', chunkedHead.replace('/x', '/short'), '3\r\nabc\r\n'],
] as const) {
  test(`a body ${name} that ends with the connection is aborted at the upstream, not completed`, async (t) => {
    const before = upstream.exchanges.length;
    const logged = sidecar.accessLog.length;
    const client = await connectRaw(t, sidecar.egress);

    client.send(head + part);
    const begun = await upstream.exchange(before);
    await begun.connection.changed.until(() => (begun.connection.partialBody.length === 3 ? true : null));
    client.end();

    await begun.connection.over();
    assert.equal(begun.message, null);
    const line = await sidecar.accessLineAt(logged);
    assert.equal(line['reason'], 'client_gone');
  });
}

test('bytes after the Content-Length are the next request: two exchanges, in order', async (t) => {
  const before = upstream.exchanges.length;
  upstream.handler = async (exchange) => {
    await exchange.whole();
    exchange.write(ok(exchange.startLine.split(' ')[1]));
  };
  t.after(() => {
    upstream.handler = answering(ok());
  });
  const client = await connectRaw(t, sidecar.egress);

  client.send(
    'POST /first HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\n\r\nabc' +
      'GET /second HTTP/1.1\r\nHost: u.test\r\n\r\n',
  );

  assert.equal((await client.response()).body.toString(), '/first');
  assert.equal((await client.response()).body.toString(), '/second');
  const [first, second] = upstream.exchanges.slice(before);
  assert.equal(first!.message!.body.toString(), 'abc');
  assert.equal(second!.startLine, 'GET /second HTTP/1.1');
});

test('bytes after a request with Connection: close are ignored', async (t) => {
  const before = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.egress);

  client.send(
    'GET /only HTTP/1.1\r\nHost: u.test\r\nConnection: close\r\n\r\nGET /never HTTP/1.1\r\nHost: u.test\r\n\r\n',
  );

  assert.equal(statusOf(await client.response()), 200);
  await client.closed();
  assert.equal(client.unread.length, 0);
  const seen = upstream.exchanges.slice(before).map(({ startLine }) => startLine);
  assert.deepEqual(seen, ['GET /only HTTP/1.1']);
});

test('a request body beyond the limit is refused before anything is sent', async (t) => {
  const small = await startSidecar(t, {
    ...upstreamU([upstream.address]),
    limits: { requestBody: '1KiB' },
  });
  const before = upstream.received.length;
  const client = await connectRaw(t, small.egress);

  client.send('POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 2000\r\n\r\n');

  assert.equal(statusOf(await client.response()), 413);
  await client.closed();
  assert.equal(upstream.received.length, before);
});
