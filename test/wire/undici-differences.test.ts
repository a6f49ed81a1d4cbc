import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

/** What is different for who writes `transport: undici`: the right half of the table of decision 26. */

const upstream = await startRawUpstream({ after });
const config = { transport: 'undici', breaker: { force: 'closed' } };
const sidecar = await startSidecar({ after }, upstreamU([upstream.address], config));

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n';

test('undici: the leave to send content comes from us, and the upstream sees no Expect', async (t) => {
  upstream.handler = answering(ok());
  const client = await connectRaw(t, sidecar.egress);
  client.send('POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n');

  assert.equal(statusOf(await client.response()), 100);
  assert.equal(statusOf(await client.send('abc').response()), 200);

  const message = upstream.messages.at(-1)!;
  assert.equal(fieldOf(message, 'expect'), undefined);
  assert.equal(message.body.toString(), 'abc');
});

test('undici: a 100 that nobody asked for is a protocol error', async (t) => {
  upstream.handler = answering(`HTTP/1.1 100 Continue\r\n\r\n${ok()}`);
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send(get).response();

  assert.equal(statusOf(response), 502);
  assert.match(response.fields.toString(), /protocol_error/);
});

test('undici: OPTIONS * cannot be sent, and says so; it is nobody’s failure', async (t) => {
  const exchanges = upstream.exchanges.length;
  const failures = await sidecar.metric('requests_total', { outcome: 'failure' });
  const client = await connectRaw(t, sidecar.listener('u'));

  const response = await client.send('OPTIONS * HTTP/1.1\r\nHost: u.test\r\n\r\n').response();

  assert.equal(statusOf(response), 501);
  assert.match(response.body.toString(), /transport: undici/);
  assert.equal(upstream.exchanges.length, exchanges);
  assert.equal(await sidecar.metric('requests_total', { outcome: 'failure' }), failures);
});

test('undici: trailers of a request are lost, and its content is whole', async (t) => {
  upstream.handler = answering(ok());
  const client = await connectRaw(t, sidecar.egress);

  const response = await client
    .send('POST /x HTTP/1.1\r\nHost: u.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
    .send('3\r\ndef\r\n0\r\nX-Sum: 1\r\n\r\n')
    .response();

  assert.equal(statusOf(response), 200);
  const message = upstream.messages.at(-1)!;
  assert.equal(message.body.toString(), 'abcdef');
  assert.deepEqual(message.trailers, []);
});

test('undici: the fields of a request come in their order and case, Host, Connection and Content-Length aside', async (t) => {
  upstream.handler = answering(ok());
  const client = await connectRaw(t, sidecar.egress);
  const fields = 'X-B: 1\r\nx-A: caf\xe9\r\nX-B: 2\r\nAccept: a\r\naccept: b\r\n';

  await client
    .send(
      Buffer.from(`POST /x?a=%20 HTTP/1.1\r\nHost: u.test\r\n${fields}Content-Length: 1\r\n\r\na`, 'latin1'),
    )
    .response();

  const exchange = upstream.exchanges.at(-1)!;
  assert.equal(exchange.startLine, 'POST /x?a=%20 HTTP/1.1');
  assert.deepEqual(
    exchange.fields.filter(([name]) => name.toLowerCase() !== 'via'),
    [
      ['host', 'u.test'],
      ['connection', 'keep-alive'],
      ['X-B', '1'],
      ['x-A', 'caf\xe9'],
      ['X-B', '2'],
      ['Accept', 'a'],
      ['accept', 'b'],
      ['content-length', '1'],
    ],
  );
});

test('undici: a trailer called Content-Length breaks the answer off', async (t) => {
  upstream.handler = answering(`${chunked}0\r\nContent-Length: 9\r\nX-Sum: 1\r\n\r\n`);
  const logged = sidecar.accessLog.length;
  const client = await connectRaw(t, sidecar.egress);

  client.send(get);
  await client.closed();

  assert.equal((await sidecar.accessLineAt(logged))['reason'], 'protocol_error');
});

for (const [what, bytes, limit, reason] of [
  ['a status line without end', `HTTP/1.1 200 ${'b'.repeat(100_000)}`, 'attempt', 'attempt_timeout'],
  ['a chunk extension without end', `${chunked}3;${'x'.repeat(100_000)}`, 'idle', 'idle_timeout'],
] as const) {
  test(`undici: ${what} is ended by timeout.${limit}`, async (t) => {
    const impatient = await startSidecar(
      t,
      upstreamU([upstream.address], { ...config, timeout: { [limit]: '300ms' } }),
    );
    upstream.handler = answering(bytes);
    const client = await connectRaw(t, impatient.egress);

    client.send(get);

    assert.equal((await impatient.accessLineAt(0))['reason'], reason);
    await upstream.exchanges.at(-1)!.connection.over();
  });
}

test('undici: the Via of an answer says 1.1, whatever the upstream spoke', async (t) => {
  upstream.handler = answering('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n');
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send(get).response();

  assert.match(fieldOf(response, 'via') ?? '', /^1\.1 /);
});

test('undici: a reason phrase that is no ASCII is left out', async (t) => {
  upstream.handler = answering(Buffer.from('HTTP/1.1 200 caf\xe9\r\nContent-Length: 0\r\n\r\n', 'latin1'));
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send(get).response();

  assert.equal(response.startLine.trimEnd(), 'HTTP/1.1 200');
});
