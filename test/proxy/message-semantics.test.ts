import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar(
  { after },
  upstreamU([upstream.address], { breaker: { force: 'closed' } }),
);

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const expectPost = 'POST /x HTTP/1.1\r\nHost: u.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n';

test('Expect: 100-continue reaches the upstream, its 100 the client, and then the body the upstream', async (t) => {
  upstream.handler = async (exchange) => {
    exchange.write('HTTP/1.1 100 Continue\r\n\r\n');
    await exchange.whole();
    exchange.write(ok('thanks'));
  };
  const index = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.egress);

  assert.equal(statusOf(await client.send(expectPost).response()), 100);
  const exchange = upstream.exchanges[index]!;
  assert.equal(fieldOf(exchange, 'expect')?.toLowerCase(), '100-continue');
  assert.equal(exchange.message, null, 'the body had not come when the 100 was sent');
  const response = await client.send('abc').response();

  assert.equal(response.body.toString(), 'thanks');
  assert.equal(exchange.message!.body.toString(), 'abc');
});

test('an upstream that refuses before the body was sent is heard, and the body never asked for', async (t) => {
  upstream.handler = (exchange) => exchange.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
  const index = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send(expectPost).response();

  assert.equal(statusOf(response), 403);
  assert.equal(upstream.exchanges[index]!.message, null);
});

test('a client that does not wait for the 100 sends its body all the same', async (t) => {
  upstream.handler = answering(ok('thanks'));
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send(`${expectPost}abc`).finalResponse();

  assert.equal(response.body.toString(), 'thanks');
});

test('103 and other informational answers are forwarded in order, then the final one', async (t) => {
  upstream.handler = answering(
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 199 Odd\r\n\r\n${ok('final')}`,
  );
  const client = await connectRaw(t, sidecar.egress);
  client.send(get);

  const hints = await client.response();
  assert.equal(statusOf(hints), 103);
  assert.equal(fieldOf(hints, 'link'), '</a>');
  assert.equal(statusOf(await client.response()), 102);
  assert.equal(statusOf(await client.response()), 199);
  assert.equal((await client.response()).body.toString(), 'final');
});

test('a 100 that nobody asked for does not become the answer', async (t) => {
  upstream.handler = answering(`HTTP/1.1 100 Continue\r\n\r\n${ok('final')}`);
  const client = await connectRaw(t, sidecar.egress);

  assert.equal((await client.send(get).finalResponse()).body.toString(), 'final');
});

test('a 100 with Content-Length has no body, and its length goes no further', async (t) => {
  upstream.handler = answering(`HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n${ok('final')}`);
  const client = await connectRaw(t, sidecar.egress);
  client.send(get);

  const first = await client.response();

  if (statusOf(first) === 502) return;
  assert.equal(fieldOf(first, 'content-length'), undefined);
  assert.equal((await client.finalResponse()).body.toString(), 'final');
});

test('a thousand informational answers are cut at the limit', async (t) => {
  upstream.handler = answering('HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000) + ok('final'));
  const index = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.egress);
  client.send(get);

  let forwarded = 0;
  let response = await client.response();
  while (statusOf(response) === 102) {
    forwarded += 1;
    response = await client.response();
  }

  assertOwnAnswer(response, { status: 502, type: 'http_protocol_error' });
  assert.ok(forwarded <= 100, `${forwarded} were forwarded`);
  await upstream.exchanges[index]!.connection.over();
});

test('an HTTP/1.0 client gets no informational answer', async (t) => {
  upstream.handler = answering(`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${ok('final')}`);
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send('GET /x HTTP/1.0\r\nHost: u.test\r\n\r\n').response();

  assert.equal(statusOf(response), 200);
  assert.equal(response.body.toString(), 'final');
});

test('an early final answer reaches the client while it still uploads, and stops the upload', async (t) => {
  upstream.handler = (exchange) => exchange.write('HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig');
  const index = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.egress);

  client.send('POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 1000000\r\n\r\npart');
  const response = await client.response();

  assert.equal(statusOf(response), 413);
  assert.equal(response.body.toString(), 'big');
  const exchange = upstream.exchanges[index]!;
  await exchange.connection.over();
  assert.equal(exchange.message, null, 'the upload was not completed');
  client.send('x'.repeat(1000));
  await client.closed();
});

test('trailers of both directions go through', async (t) => {
  upstream.handler = answering(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Down: d\r\nX-More: m\r\n\r\n',
  );
  const index = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.egress);

  client.send(
    'POST /x HTTP/1.1\r\nHost: u.test\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Up: u\r\n\r\n',
  );
  const response = await client.response();

  assert.deepEqual(upstream.exchanges[index]!.message!.trailers, [['X-Up', 'u']]);
  assert.deepEqual(response.trailers, [
    ['X-Down', 'd'],
    ['X-More', 'm'],
  ]);
});

test('a chunked upload streams: the upstream has its first bytes before the client has sent the last', async (t) => {
  upstream.handler = answering(ok());
  const index = upstream.exchanges.length;
  const client = await connectRaw(t, sidecar.egress);

  client.send('POST /x HTTP/1.1\r\nHost: u.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
  const exchange = await upstream.exchange(index);
  await exchange.connection.changed.until(() => (exchange.connection.partialBody.length === 5 ? true : null));
  client.send('4\r\nlast\r\n0\r\n\r\n');

  assert.equal(statusOf(await client.response()), 200);
  assert.equal(exchange.message!.body.toString(), 'firstlast');
});

test('an answer streams: the client has its first bytes before the upstream has written the last', async (t) => {
  const clientHasFirst = Promise.withResolvers<void>();
  upstream.handler = async (exchange) => {
    await exchange.whole();
    exchange.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n');
    await clientHasFirst.promise;
    exchange.write('4\r\nlast\r\n0\r\n\r\n');
  };
  const client = await connectRaw(t, sidecar.egress);

  await client.send(get).head();
  await client.receivedAtLeast(client.received.indexOf('\r\n\r\n') + 4 + 5);
  clientHasFirst.resolve();

  assert.equal((await client.response()).body.toString(), 'firstlast');
});
