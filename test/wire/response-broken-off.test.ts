import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { connectRaw } from '../rig/raw-client.ts';
import { answering, ok, type RawExchange, startRawUpstream } from '../rig/raw-upstream.ts';
import { plainPost } from '../rig/response-table.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const end = (exchange: RawExchange): void => void exchange.connection.socket.end();
const reset = (exchange: RawExchange): void => void exchange.connection.socket.resetAndDestroy();

const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';
const counted = 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n';

const nothing = (): void => {};

const endless = 'with an endless chunk extension';

const cuts: readonly (readonly [name: string, bytes: string, cut: (exchange: RawExchange) => void])[] = [
  ['shorter than its Content-Length', `${counted}abc`, end],
  ['cut in the middle of a chunk', `${chunked}5\r\nabc`, end],
  ['cut in the middle of a chunk size', `${chunked}3\r\nabc\r\n1`, end],
  ['without its last chunk', `${chunked}3\r\nabc\r\n`, end],
  ['cut in the middle of its trailers', `${chunked}3\r\nabc\r\n0\r\nX-A: b\r\n`, end],
  ['reset in the middle of a counted body', `${counted}abc`, reset],
  ['reset in the middle of a chunked body', `${chunked}3\r\nabc\r\n`, reset],
  ['reset while its end is the end of the connection', 'HTTP/1.1 200 OK\r\n\r\nabc', reset],
  ['with a malformed chunk size', `${chunked}3\r\nabc\r\nzz\r\n`, nothing],
  ['with a bare LF after a chunk size', `${chunked}3\r\nabc\r\n3\nabc\r\n0\r\n\r\n`, nothing],
  ['with chunk data longer than its size', `${chunked}3\r\nabcd\r\n0\r\n\r\n`, nothing],
  [endless, `${chunked}3\r\nabc\r\n3;${'x'.repeat(100_000)}`, nothing],
  ['with a malformed trailer', `${chunked}3\r\nabc\r\n0\r\nX-A : b\r\n\r\n`, nothing],
  ['with trailers of 64 KiB', `${chunked}3\r\nabc\r\n0\r\nX-A: ${'b'.repeat(65_536)}\r\n\r\n`, nothing],
];

for (const transport of ['native', 'undici']) {
  const upstream = await startRawUpstream({ after });
  const sidecar = await startSidecar(
    { after },
    upstreamU([upstream.address], { transport, breaker: { force: 'closed' } }),
  );

  for (const [name, bytes, cut] of cuts) {
    // undici waits for the end of such an extension: see undici-differences.
    if (transport === 'undici' && name === endless) continue;
    test(`${transport}: an answer ${name} ends for the client without a clean end`, {
      timeout: 10_000,
    }, async (t) => {
      const index = upstream.exchanges.length;
      const logged = sidecar.accessLog.length;
      const headArrived = Promise.withResolvers<void>();
      upstream.handler = async (exchange) => {
        await exchange.whole();
        exchange.write(bytes);
        await headArrived.promise;
        cut(exchange);
      };
      const client = await connectRaw(t, sidecar.egress);

      client.send(get);
      await client.head().catch(() => null);
      headArrived.resolve();
      const whole = await client.finalResponse().catch(() => null);

      assert.ok(whole === null || statusOf(whole) === 502, 'no whole answer but our own');
      const line = await sidecar.accessLineAt(logged);
      const isMalformed = cut === nothing;
      if (isMalformed) assert.match(String(line['reason']), /^(?:protocol_error|response_head_too_large)$/);
      else assert.equal(line['reason'], 'response_incomplete');
      await upstream.exchanges[index]!.connection.over();
      assert.equal(upstream.exchanges.length, index + 1, 'nothing is tried again once bytes went down');
    });
  }

  test(`${transport}: a body that breaks off counts as a failure`, async (t) => {
    const before = await sidecar.metric('requests_total', { outcome: 'failure' });
    upstream.handler = async (exchange) => {
      await exchange.whole();
      exchange.write(`${counted}abc`);
      exchange.connection.socket.end();
    };
    const client = await connectRaw(t, sidecar.egress);

    client.send(get);
    await client.closed();

    await sidecar.metricIs('requests_total', { outcome: 'failure' }, before + 1);
  });

  for (const [name, bytes] of [
    ['a body longer than its Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef'],
    ['a whole second answer', `${ok('abc')}${ok('stolen')}`],
  ] as const) {
    test(`${transport}: after ${name} the connection is never used again`, { timeout: 10_000 }, async (t) => {
      const index = upstream.exchanges.length;
      upstream.handler = answering(bytes);
      const client = await connectRaw(t, sidecar.egress);

      const response = await client.send(plainPost).response();

      assert.equal(response.body.toString(), 'abc');
      await upstream.exchanges[index]!.connection.over();
      upstream.handler = answering(ok('mine'));
      assert.equal((await client.send(get).response()).body.toString(), 'mine');
    });
  }

  test(`${transport}: bytes that an idle connection sends unasked are never given to a later request`, async (t) => {
    const index = upstream.exchanges.length;
    upstream.handler = answering(ok('first'));
    const client = await connectRaw(t, sidecar.egress);
    assert.equal((await client.send(get).response()).body.toString(), 'first');

    upstream.exchanges[index]!.write(ok('poison'));
    await upstream.exchanges[index]!.connection.over();
    upstream.handler = answering(ok('second'));

    assert.equal((await client.send(get).response()).body.toString(), 'second');
  });

  test(`${transport}: an answer that comes one byte at a time and never ends is given up at the attempt timeout`, async (t) => {
    const slow = await startSidecar(
      t,
      upstreamU([upstream.address], { transport, timeout: { attempt: '150ms', total: '300ms' } }),
    );
    upstream.handler = async (exchange) => {
      await exchange.whole();
      const trickle = setInterval(() => exchange.write('H'), 20);
      exchange.connection.socket.on('close', () => clearInterval(trickle));
      exchange.write('HTTP/1.1 200 OK\r\nX-A: ');
    };
    const client = await connectRaw(t, slow.egress);

    const response = await client.send(plainPost).response();

    assert.equal(statusOf(response), 504);
    assert.match(response.fields.toString(), /http_response_timeout/);
    await upstream.exchanges.at(-1)!.connection.over();
  });
}
