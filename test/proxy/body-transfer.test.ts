import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startFaultServer } from '../rig/fault-server.ts';
import { makeCaller } from '../rig/http-call.ts';
import { hashOf, startHttpUpstream } from '../rig/http-upstream.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';

/** Bytes that no compression or offset mistake leaves looking right. */
const noise = (bytes: number, seed: number): Buffer => {
  const buffer = Buffer.alloc(bytes);
  let state = seed | 1;
  for (let index = 0; index < bytes; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    buffer[index] = state;
  }
  return buffer;
};

const echo = await startHttpUpstream({ after }, (call, response) => {
  const bytes = Number(call.path.slice(1));
  response.setHeader('x-sent', call.bodyHash);
  const body = noise(bytes, bytes + 1);
  if (call.headers['x-answer'] === 'length') response.setHeader('content-length', bytes);
  for (let offset = 0; offset < bytes; offset += 10_007)
    response.write(body.subarray(offset, offset + 10_007));
  response.end();
});
const sidecar = await startSidecar({ after }, upstreamU([echo.address]));
const caller = makeCaller({ after }, sidecar.egress, 4);

const sizes = [0, 1, 2, 1023, 16_383, 16_384, 16_385, 65_535, 65_536, 65_537, 300_000, 1_048_576, 8_388_608];

for (const framing of ['length', 'chunked'] as const) {
  test(`bodies of every size arrive unchanged in both directions, framed by ${framing}`, async () => {
    for (const bytes of sizes) {
      const body = noise(bytes, bytes + 7);
      const result = await caller.call({
        method: 'POST',
        path: `/${bytes}`,
        body,
        headers:
          framing === 'chunked'
            ? { 'transfer-encoding': 'chunked' }
            : { 'content-length': String(bytes), 'x-answer': 'length' },
      });
      assert.ok(result.kind === 'answer' && result.status === 200, `${bytes} bytes`);
      assert.equal(result.headers['x-sent'], hashOf(body), `${bytes} bytes up`);
      assert.equal(hashOf(result.body), hashOf(noise(bytes, bytes + 1)), `${bytes} bytes down`);
      if (framing === 'length') assert.equal(result.headers['content-length'], String(bytes));
    }
  });
}

test('forty transfers of random sizes at the same time do not mix', async () => {
  const transfers = Array.from({ length: 40 }, async (_, index) => {
    const bytes = (index * 7919) % 200_000;
    const body = noise(bytes, index + 1);
    const result = await caller.call({ method: 'PUT', path: `/${bytes}`, body });
    assert.ok(result.kind === 'answer');
    assert.equal(result.headers['x-sent'], hashOf(body));
    assert.equal(hashOf(result.body), hashOf(noise(bytes, bytes + 1)));
  });
  await Promise.all(transfers);
});

test('a connection that carries one byte a packet changes nothing', async (t) => {
  const slicer = await startFaultServer(t, { host: '127.0.0.1', port: echo.port });
  await slicer.set({ kind: 'slicer', bytes: 1 });
  const sliced = await startSidecar(t, upstreamU([slicer.address]));
  const own = makeCaller(t, sliced.egress);

  const body = noise(300, 3);
  const result = await own.call({
    method: 'POST',
    path: '/300',
    body,
    headers: { 'transfer-encoding': 'chunked' },
  });

  assert.ok(result.kind === 'answer');
  assert.equal(result.headers['x-sent'], hashOf(body));
  assert.equal(hashOf(result.body), hashOf(noise(300, 301)));
});

test('a body passes without being decoded', async (t) => {
  const coded = await startHttpUpstream(t, (_call, response) => {
    response.setHeader('content-encoding', 'gzip');
    response.end('this is no gzip');
  });
  const plain = await startSidecar(t, upstreamU([coded.address]));
  const result = await makeCaller(t, plain.egress).call();
  assert.ok(result.kind === 'answer');
  assert.equal(result.headers['content-encoding'], 'gzip');
  assert.equal(result.body.toString(), 'this is no gzip');
});

test('of a request whose content breaks a rule in the same piece as its head, the upstream hears nothing', async (t) => {
  const upstream = await startRawUpstream(t, answering(ok()));
  const { egress } = await startSidecar(t, upstreamU([upstream.address]));
  const client = await connectRaw(t, egress);
  // A kept connection, over which a head could go at once.
  await client.send('GET /first HTTP/1.1\r\nHost: u.test\r\n\r\n').response();
  const before = upstream.received.length;

  client.send('PUT / HTTP/1.1\r\nHost: u.test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX');

  assert.match((await client.response()).startLine, /^HTTP\/1.1 400 /);
  await upstream.connections[0]!.over();
  assert.equal(upstream.received.length, before);
});
