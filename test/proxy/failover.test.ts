import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFaultServer } from '../rig/fault-server.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { hashOf, startHttpUpstream } from '../rig/http-upstream.ts';
import { closedLoop, tallyOf } from '../rig/load.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { answering, ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const post = 'POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\n\r\nabc';
const status = (code: number): string => `HTTP/1.1 ${code} Odd\r\nContent-Length: 0\r\n\r\n`;

test('with one of two endpoints dead no GET and no POST sees an error, and the dead one is passed over', async (t) => {
  const alive = await startHttpUpstream(t);
  const faults = await startFaultServer(t, { host: '127.0.0.1', port: alive.port });
  const sidecar = await startSidecar(t, upstreamU([alive.address, faults.address]));
  const caller = makeCaller(t, sidecar.egress);
  await closedLoop(20, 4, () => caller.call());
  await faults.set({ kind: 'down' });
  const failuresBefore = await sidecar.metric('attempts_total', { outcome: 'failure' });

  const gets = await closedLoop(200, 4, () => caller.call());
  const posts = await closedLoop(50, 4, () => caller.call({ method: 'POST', body: 'abc' }));

  assert.deepEqual(tallyOf(gets), { 200: 200 });
  assert.deepEqual(tallyOf(posts), { 200: 50 });
  const failures = (await sidecar.metric('attempts_total', { outcome: 'failure' })) - failuresBefore;
  assert.ok(failures <= 12, `${failures} attempts went to the dead endpoint`);
});

test('an endpoint that returns takes its share again', async (t) => {
  const steady = await startHttpUpstream(t);
  const other = await startHttpUpstream(t);
  const faults = await startFaultServer(t, { host: '127.0.0.1', port: other.port });
  const sidecar = await startSidecar(t, upstreamU([steady.address, faults.address]));
  const caller = makeCaller(t, sidecar.egress);
  await faults.set({ kind: 'down' });
  await closedLoop(50, 4, () => caller.call());
  await faults.set({ kind: 'none' });

  const seenBefore = other.begun;
  const results = [];
  const giveUpAt = performance.now() + 8000;
  while (other.begun < seenBefore + 20 && performance.now() < giveUpAt) {
    results.push(...(await closedLoop(20, 4, () => caller.call())));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }

  assert.deepEqual(Object.keys(tallyOf(results)), ['200']);
  assert.ok(other.begun >= seenBefore + 20, `${other.begun - seenBefore} calls since its return`);
});

test('a retry goes to another endpoint', async (t) => {
  const bad = await startRawUpstream(t, answering(status(503)));
  const good = await startRawUpstream(t);
  const sidecar = await startSidecar(
    t,
    upstreamU([bad.address, good.address], {
      breaker: { force: 'closed' },
      retry: { attempts: 2, budget: { percent: 100, minPerSecond: 100 } },
    }),
  );

  for (let count = 0; count < 20; count += 1) {
    assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get)), 200);
  }

  assert.equal(good.exchanges.length, 20);
});

test('a POST that the upstream answered with 503 is not sent again', async (t) => {
  const upstream = await startRawUpstream(t, answering(status(503)));
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));

  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, post)), 503);

  assert.equal(upstream.exchanges.length, 1);
  assert.ok((await sidecar.metric('retries_skipped_total', { reason: 'not_idempotent' })) >= 1);
});

test('a POST that was reset after its body was sent is executed at most once', async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    exchange.connection.socket.resetAndDestroy();
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));

  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, post)), 502);

  assert.equal(upstream.messages.length, 1);
});

for (const [name, fields, config] of [
  ['with Idempotency-Key', 'Idempotency-Key: k1\r\n', {}],
  ['with nonIdempotent in its policy', '', { retry: { nonIdempotent: true } }],
] as const) {
  test(`a POST ${name} is sent again, with the same fields and body and its mark`, async (t) => {
    let count = 0;
    const upstream = await startRawUpstream(t, async (exchange) => {
      await exchange.whole();
      count += 1;
      exchange.write(count === 1 ? status(503) : ok('done'));
    });
    const sidecar = await startSidecar(t, upstreamU([upstream.address], config));

    const response = await exchangeRaw(
      t,
      sidecar.egress,
      `POST /x HTTP/1.1\r\nHost: u.test\r\n${fields}Content-Length: 3\r\n\r\nabc`,
    );

    assert.equal(response.body.toString(), 'done');
    const [first, second] = upstream.messages;
    const mark = ['x-outrigger-attempt', '2'];
    assert.deepEqual(
      second!.fields.filter(([name]) => name === mark[0]),
      [mark],
    );
    assert.deepEqual(
      second!.fields.filter(([name]) => name !== mark[0]),
      first!.fields,
    );
    assert.deepEqual(first!.body, second!.body);
  });
}

test('a PUT with a chunked body is replayed byte for byte', async (t) => {
  let count = 0;
  const upstream = await startHttpUpstream(t, (_call, response) => {
    count += 1;
    response.statusCode = count === 1 ? 503 : 200;
    response.end();
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));
  const caller = makeCaller(t, sidecar.egress);
  const body = Buffer.alloc(50_000, 'replay me ');

  const result = await caller.call({ method: 'PUT', body, headers: { 'transfer-encoding': 'chunked' } });

  assert.equal(statusOrCode(result), 200);
  assert.deepEqual(
    upstream.calls.map(({ bodyHash }) => bodyHash),
    [hashOf(body), hashOf(body)],
  );
});

test('a body over the replay limit is not sent again, and the skipped retry is counted', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => {
    response.statusCode = 503;
    response.end();
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { retry: { bodyLimit: '1KiB' } }));
  const caller = makeCaller(t, sidecar.egress);

  assert.equal(statusOrCode(await caller.call({ method: 'PUT', body: 'x'.repeat(5000) })), 503);

  assert.equal(upstream.begun, 1);
  assert.equal(await sidecar.metric('retries_skipped_total', { reason: 'body_too_large' }), 1);
});

test('attempts never exceed the configured number, and the last answer is the one that is passed on', async (t) => {
  let count = 0;
  const upstream = await startRawUpstream(t, async (exchange) => {
    await exchange.whole();
    count += 1;
    exchange.write(`HTTP/1.1 503 Odd\r\nX-Count: ${count}\r\nContent-Length: 0\r\n\r\n`);
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));

  const response = await exchangeRaw(t, sidecar.egress, get);

  assert.equal(statusOf(response), 503);
  assert.equal(fieldOf(response, 'x-count'), '3');
  assert.equal(upstream.exchanges.length, 3);
  assert.equal(await sidecar.metric('retries_total', { upstream: 'u' }), 2);
  assert.equal(await sidecar.metric('attempts_total', { upstream: 'u' }), 3);
  assert.equal(await sidecar.metric('requests_total', { upstream: 'u' }), 1);
});

test('Expect goes with the first attempt alone', async (t) => {
  let count = 0;
  const upstream = await startRawUpstream(t, async (exchange) => {
    count += 1;
    if (count === 1) exchange.write('HTTP/1.1 100 Continue\r\n\r\n');
    await exchange.whole();
    exchange.write(count === 1 ? status(503) : ok());
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));
  const client = await connectRaw(t, sidecar.egress);

  client.send('PUT /x HTTP/1.1\r\nHost: u.test\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
  assert.equal(statusOf(await client.response()), 100);
  assert.equal(statusOf(await client.send('abc').finalResponse()), 200);

  assert.equal(fieldOf(upstream.exchanges[1]!, 'expect'), undefined);
  assert.equal(upstream.messages[1]!.body.toString(), 'abc');
});

test('in a full outage the budget bounds the attempts', async (t) => {
  const upstream = await startRawUpstream(t, answering(status(503)));
  const sidecar = await startSidecar(
    t,
    upstreamU([upstream.address], {
      breaker: { force: 'closed' },
      retry: { attempts: 4, budget: { percent: 20, minPerSecond: 1 }, backoff: { base: '1ms', max: '1ms' } },
    }),
  );
  const caller = makeCaller(t, sidecar.egress);
  const startedAt = performance.now();

  await closedLoop(500, 8, () => caller.call());

  const seconds = (performance.now() - startedAt) / 1000;
  const allowed = 500 + 0.2 * 500 + (seconds + 10) * 1;
  assert.ok(
    upstream.exchanges.length <= allowed,
    `${upstream.exchanges.length} attempts, ${allowed} allowed`,
  );
  assert.ok(upstream.exchanges.length > 500, 'some were tried again');
});
