import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { type BytePeer, connectBytes, startByteServer } from '../rig/byte-peer.ts';
import { type Fault, startFaultServer } from '../rig/fault-server.ts';
import { makeCaller } from '../rig/http-call.ts';
import { hashOf, startHttpUpstream } from '../rig/http-upstream.ts';
import { type ConfigText, type Sidecar, startSidecar, upstreamU } from '../rig/sidecar.ts';

/** What may be odd about a connection without anything being lost. */
const harmless: readonly { name: string; fault: Fault; bytes: number }[] = [
  { name: 'late', fault: { kind: 'latency', delayMs: 20 }, bytes: 200_000 },
  { name: 'slow', fault: { kind: 'bandwidth', bytesPerSecond: 2_000_000 }, bytes: 500_000 },
  { name: 'slow to close', fault: { kind: 'slow_close', delayMs: 50 }, bytes: 200_000 },
  { name: 'cut into single bytes', fault: { kind: 'slicer', bytes: 1 }, bytes: 500 },
];

type Door = (sidecar: Sidecar, t: TestContext) => Promise<BytePeer>;

/** Both ways to a connection that carries bytes. */
const doors: readonly (readonly [string, Door])[] = [
  ['a TCP upstream', (sidecar, t) => connectBytes(t, sidecar.listener('db'))],
  [
    'a tunnel',
    async (sidecar, t) => {
      const client = await connectBytes(t, sidecar.egress);
      client.say('CONNECT db.test:5432 HTTP/1.1\r\nHost: db.test:5432\r\n\r\n');
      await client.hears('\r\n\r\n');
      return client;
    },
  ],
];

/** A TCP upstream behind something that misbehaves. */
const startFaulty = async (t: TestContext, onPeer: (peer: BytePeer) => void, more: ConfigText = {}) => {
  const server = await startByteServer(t, onPeer);
  const faults = await startFaultServer(t, { host: '127.0.0.1', port: server.port });
  const upstream = {
    protocol: 'tcp',
    listen: '127.0.0.1:0',
    hosts: ['db.test'],
    endpoints: [faults.address],
    ...more,
  };
  return { server, faults, sidecar: await startSidecar(t, { upstreams: { db: upstream } }) };
};

/** What came after the answer to CONNECT, where there is one. */
const contentOf = ({ received }: BytePeer): Buffer =>
  received.subarray(received.indexOf('HTTP/1.1 200') === 0 ? received.indexOf('\r\n\r\n') + 4 : 0);

for (const { name, fault, bytes } of harmless) {
  for (const [what, connect] of doors) {
    test(`${what} over a connection that is ${name} carries both ways byte for byte, and both ends`, async (t) => {
      const [there, back] = [randomBytes(bytes), randomBytes(bytes)];
      const { server, faults, sidecar } = await startFaulty(t, (peer) => peer.end(back));
      await faults.set(fault);

      const client = await connect(sidecar, t);
      client.end(there);
      await client.ended();
      const peer = await server.peer();
      await peer.ended();

      assert.ok(peer.received.equals(there), `${peer.receivedBytes} of ${bytes} bytes there`);
      assert.ok(contentOf(client).equals(back), `${client.receivedBytes} of ${bytes} bytes back`);
      assert.equal((await sidecar.accessLineAt(0))['outcome'], 'success');
    });
  }

  test(`requests and answers over connections that are ${name} arrive byte for byte`, async (t) => {
    const content = randomBytes(bytes);
    const upstream = await startHttpUpstream(t, (_call, response) => response.end(content));
    const faults = await startFaultServer(t, { host: '127.0.0.1', port: upstream.port });
    await faults.set(fault);
    const sidecar = await startSidecar(t, upstreamU([faults.address]));
    const caller = makeCaller(t, sidecar.egress);

    const results = await Promise.all(
      Array.from({ length: 4 }, () => caller.call({ method: 'PUT', body: content })),
    );

    for (const result of results) assert.ok(result.kind === 'answer' && result.body.equals(content));
    assert.deepEqual(new Set(upstream.calls.map(({ bodyHash }) => bodyHash)), new Set([hashOf(content)]));
  });
}

for (const [what, connect] of doors) {
  test(`${what} that is reset half-way is reset for the client, who has all that came before`, async (t) => {
    const back = randomBytes(10_000);
    const { faults, sidecar } = await startFaulty(t, (peer) => peer.say(back));
    await faults.set({ kind: 'reset', afterBytes: 5000 });

    const client = await connect(sidecar, t);

    assert.equal(await client.over(), 'by a reset');
    assert.ok(back.subarray(0, 5000).indexOf(contentOf(client)) === 0);
    const line = await sidecar.accessLineAt(0);
    assert.deepEqual([line['outcome'], line['closeReason']], ['failure', 'upstream_reset']);
  });

  test(`${what} that is ended half-way has ended for the client, after all that came`, async (t) => {
    const back = randomBytes(10_000);
    const { faults, sidecar } = await startFaulty(t, (peer) => peer.say(back));
    await faults.set({ kind: 'limit_data', bytes: 5000 });

    const client = await connect(sidecar, t);
    await client.ended();

    assert.ok(contentOf(client).equals(back.subarray(0, 5000)));
  });

  test(`${what} behind which nothing moves is ended after the idle time, and frees its place`, async (t) => {
    const { faults, sidecar } = await startFaulty(t, (peer) => peer.say('unheard'), {
      timeout: { idle: '80ms' },
      tcp: { earlyReset: '10ms' },
    });
    await faults.set({ kind: 'black_hole' });

    const client = await connect(sidecar, t);
    client.say('is anybody there?');
    await client.over();

    const line = await sidecar.accessLineAt(0);
    assert.deepEqual([line['reason'], line['closeReason']], ['idle_timeout', 'timeout']);
    await sidecar.metricIs('bulkhead_in_flight', { upstream: 'db' }, 0);
    await sidecar.metricIs('tunnels_open', {}, 0);
  });
}
