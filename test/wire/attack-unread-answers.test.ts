import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { connectRaw, type RawClient } from '../rig/raw-client.ts';
import { answering, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf } from '../rig/wire-reader.ts';

const upstream = await startRawUpstream({ after });
const sidecar = await startSidecar(
  { after },
  { ...upstreamU([upstream.address]), limits: { writeStall: '500ms' } },
);

const TOTAL = 24 * 1024 * 1024;
/** What kernel and streams may hold on the way, in requests; their answers are larger. */
const BOUNDED = 12 * 1024 * 1024;

/** Pipelines these requests without reading an answer until the proxy takes no more; the bytes that it took. */
const pourUntilStill = async (client: RawClient, request: string): Promise<number> => {
  const block = Buffer.from(request.repeat(Math.ceil(65_536 / request.length)), 'latin1');
  let written = 0;
  const more = (): void => {
    while (written < TOTAL && !client.isOver) {
      written += block.length;
      if (!client.socket.write(block)) {
        client.socket.once('drain', more);
        return;
      }
    }
  };
  more();
  let last = -1;
  let since = performance.now();
  await eventually(
    'the proxy takes no more',
    () => {
      const taken = written - client.socket.writableLength;
      if (taken !== last) since = performance.now();
      last = taken;
      return client.isOver || client.socket.destroyed || performance.now() - since > 200;
    },
    20_000,
  );
  return last;
};

for (const [what, request] of [
  ['answers of our own', 'GET / HTTP/1.1\r\nHost: unlisted.test\r\n\r\n'],
  ['answers without content', 'HEAD / HTTP/1.1\r\nHost: u.test\r\n\r\n'],
] as const) {
  test(`a client that pipelines and reads nothing is not served ${what} into memory, and is cut`, {
    timeout: 30_000,
  }, async (t) => {
    upstream.handler = answering(
      `HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-Pad: ${'p'.repeat(4000)}\r\n\r\n`,
    );
    const client = await connectRaw(t, sidecar.egress);
    client.socket.pause();

    const taken = await pourUntilStill(client, request);

    assert.ok(taken < BOUNDED, `the proxy took ${taken} bytes of requests whose answers nobody read`);
    await eventually(
      'the client is cut',
      async () => sidecar.app !== null && client.socket.destroyed,
      10_000,
    );
  });
}

test('a client that pipelines thousands of requests before it reads gets every answer, in order', {
  timeout: 30_000,
}, async (t) => {
  upstream.handler = async (exchange) => {
    await exchange.whole();
    exchange.write(
      `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-At: ${exchange.startLine.split(' ')[1]}\r\n\r\n`,
    );
  };
  const count = 3000;
  const client = await connectRaw(t, sidecar.egress);
  client.socket.pause();

  for (let index = 0; index < count; index += 1) {
    client.send(`GET /${index}?${'q'.repeat(1500)} HTTP/1.1\r\nHost: u.test\r\n\r\n`);
  }
  await upstream.exchange(100);
  client.socket.resume();

  for (let index = 0; index < count; index += 1) {
    const at = fieldOf(await client.response(), 'x-at');
    assert.ok(at?.startsWith(`/${index}?`), `answer ${index} is that of ${at?.slice(0, 10)}`);
  }
});
