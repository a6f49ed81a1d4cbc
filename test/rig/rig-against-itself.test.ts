import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from './eventually.ts';
import { startFaultServer } from './fault-server.ts';
import { makeCaller, statusOrCode } from './http-call.ts';
import { hashOf, startHttpUpstream } from './http-upstream.ts';
import { closedLoop, tallyOf } from './load.ts';
import { Metrics } from './metrics.ts';
import { connectRaw, exchangeRaw } from './raw-client.ts';
import { ok, startRawUpstream } from './raw-upstream.ts';
import { fieldOf, statusOf, WireError, WireReader } from './wire-reader.ts';

const local = (port: number) => ({ host: '127.0.0.1', port });

test('the raw client reads what Node’s server writes', async (t) => {
  const server = await startHttpUpstream(t, (_call, response) => {
    response.writeEarlyHints({ link: '</a>; rel=preload' });
    response.setHeader('trailer', 'x-sum');
    response.write('one');
    response.addTrailers({ 'x-sum': '1' });
    response.end('two');
  });
  const client = await connectRaw(t, local(server.port));

  await client.sendPieces('GET / HTTP/1.1\r\nHost: a\r\n\r\n', [3, 5, 7]);

  assert.equal(statusOf(await client.response()), 103);
  const response = await client.response();
  assert.equal(response.framing, 'chunked');
  assert.equal(response.body.toString(), 'onetwo');
  assert.deepEqual(response.trailers, [['x-sum', '1']]);
});

test('the raw upstream understands what Node’s client writes, bodies included', async (t) => {
  const upstream = await startRawUpstream(t);
  const caller = makeCaller(t, local(upstream.port), 1);

  for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
    const result = await caller.call({ method: 'POST', body: 'x'.repeat(100_000), headers });
    assert.equal(statusOrCode(result), 200);
  }

  assert.equal(upstream.connections.length, 1);
  assert.deepEqual(upstream.complaints, []);
  assert.deepEqual(
    upstream.messages.map(({ framing, body }) => [framing, body.length]),
    [
      ['length', 100_000],
      ['chunked', 100_000],
    ],
  );
});

test('the raw upstream sees pipelined requests one by one and knows a cut one', async (t) => {
  const upstream = await startRawUpstream(t);
  const client = await connectRaw(t, local(upstream.port));

  client.send(
    `${'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2)}POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc`,
  );
  await upstream.exchange(2);
  client.reset();
  await upstream.connections[0]!.over();

  assert.equal(upstream.exchanges.length, 3);
  assert.equal(upstream.messages.length, 2);
});

for (const [name, bytes] of [
  ['two framings', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['two lengths', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n'],
  ['a bare LF', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
  ['a folded line', 'GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n'],
  ['a control', 'GET / HTTP/1.1\r\nA: b\x01\r\n\r\n'],
  ['a bad chunk size', 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\n'],
] as const) {
  test(`the second parser throws at ${name}`, () => {
    const reader = new WireReader('request');
    reader.push(Buffer.from(bytes, 'latin1'));
    assert.throws(() => reader.next(), WireError);
  });
}

test('the second parser gives the same message for every split', () => {
  const bytes = Buffer.from(
    'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n\r\n',
  );
  for (let split = 0; split <= bytes.length; split += 1) {
    const reader = new WireReader('request');
    reader.push(bytes.subarray(0, split));
    const early = reader.next();
    reader.push(bytes.subarray(split));
    const message = early ?? reader.next();
    assert.equal(message?.body.toString(), 'abc');
    assert.deepEqual(message?.trailers, [['A', 'b']]);
  }
});

test('a client tells a clean end from a reset', async (t) => {
  const upstream = await startRawUpstream(t, ({ connection, startLine }) => {
    if (startLine.includes('/reset')) connection.socket.resetAndDestroy();
    else connection.socket.end();
  });
  for (const how of ['reset', 'end'] as const) {
    const client = await connectRaw(t, local(upstream.port));
    client.send(`GET /${how} HTTP/1.1\r\n\r\n`);
    assert.equal(await client.closed(), how);
  }
});

test('the HTTP upstream counts, hashes and knows its most concurrent calls', async (t) => {
  const server = await startHttpUpstream(t, async (_call, response) => {
    await server.hasBegun(4);
    response.end('ok');
  });
  const caller = makeCaller(t, local(server.port));

  const results = await closedLoop(4, 4, (index) => caller.call({ method: 'POST', body: `body ${index}` }));

  assert.deepEqual(tallyOf(results), { 200: 4 });
  assert.equal(server.maxInFlight, 4);
  assert.ok(server.calls.some(({ bodyHash }) => bodyHash === hashOf('body 3')));
});

test('the fault server passes, slices, limits, resets and goes down', async (t) => {
  const upstream = await startRawUpstream(t, ({ connection }) => connection.write(ok('x'.repeat(1000))));
  const faults = await startFaultServer(t, local(upstream.port));
  const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

  assert.equal((await exchangeRaw(t, local(faults.port), get)).body.length, 1000);
  await faults.set({ kind: 'slicer', bytes: 7 });
  assert.equal((await exchangeRaw(t, local(faults.port), get)).body.length, 1000);
  await faults.set({ kind: 'limit_data', bytes: 100 });
  const limited = await connectRaw(t, local(faults.port));
  assert.equal(await limited.send(get).closed(), 'end');
  assert.equal(limited.received.length, 100);
  await faults.set({ kind: 'reset', afterBytes: 100 });
  const reset = await connectRaw(t, local(faults.port));
  assert.equal(await reset.send(get).closed(), 'reset');
  await faults.set({ kind: 'down' });
  await assert.rejects(connectRaw(t, local(faults.port)), { code: 'ECONNREFUSED' });
  await faults.set({ kind: 'none' });
  assert.equal(fieldOf(await exchangeRaw(t, local(faults.port), get), 'content-length'), '1000');
});

test('a black hole accepts and says nothing', async (t) => {
  const faults = await startFaultServer(t, local(1));
  await faults.set({ kind: 'black_hole' });
  const client = await connectRaw(t, local(faults.port));
  client.send('GET / HTTP/1.1\r\n\r\n');
  await eventually('accepted', () => faults.accepted === 1);
  faults.cut();
  assert.equal(await client.closed(), 'reset');
  assert.equal(client.received.length, 0);
});

test('metrics are read and summed by label', () => {
  const metrics = new Metrics(
    '# HELP outrigger_x y\noutrigger_x{reason="a",upstream="u"} 2\noutrigger_x{reason="b",upstream="u"} 3\nother 7\n',
  );
  assert.equal(metrics.sum('x'), 5);
  assert.equal(metrics.sum('x', { reason: 'b' }), 3);
  assert.equal(metrics.sum('nothing'), 0);
});
