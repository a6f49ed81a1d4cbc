import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

test('an answer held back for a retry stays held when the client takes what was written before it', {
  timeout: 20_000,
}, async (t) => {
  // Informational heads large enough to fill what a client that does not read can hold.
  const hints = `HTTP/1.1 103 Early Hints\r\nX-Pad: ${'p'.repeat(60_000)}\r\n\r\n`;
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    if (upstream.exchanges.length === 1) {
      exchange.write(`${hints.repeat(200)}HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nsplitting`);
    } else exchange.write(ok('good'));
  });
  const sidecar = await startSidecar(t, {
    ...upstreamU([upstream.address], {
      breaker: { force: 'closed' },
      retry: { attempts: 2, backoff: { base: '1s', max: '1s' } },
    }),
    limits: { informational: 1000 },
  });
  const client = await connectRaw(t, sidecar.egress);
  client.socket.pause();
  client.send('GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n');
  await eventually(
    'the first answer is judged',
    async () => (await sidecar.metric('attempts_total', { upstream: 'u' })) >= 1,
  );
  client.socket.resume();

  const response = await client.finalResponse();

  assert.ok([200, 503].includes(statusOf(response)));
  assert.equal(client.unread.length, 0);
});

test('an answer of another’s request never follows one that the upstream wrote too long', {
  timeout: 20_000,
}, async (t) => {
  const upstream = await startRawUpstream(
    t,
    answering(`${ok('mine')}HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned`),
  );
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], { pool: { connectionsPerEndpoint: 1 }, breaker: { force: 'closed' } }),
  );
  const clients = await Promise.all(Array.from({ length: 20 }, () => connectRaw(t, sidecar.egress)));

  const answers = await Promise.all(
    clients.map((client) => client.send('GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n').response()),
  );

  for (const { body } of answers) assert.equal(body.toString(), 'mine');
  await eventually('no connection is kept', () => upstream.connections.every(({ isOver }) => isOver));
});
