import assert from 'node:assert/strict';
import { test } from 'node:test';
import { postAdmin } from '../rig/admin-post.ts';
import { eventually } from '../rig/eventually.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { Held, startHttpUpstream } from '../rig/http-upstream.ts';
import { fetchText } from '../rig/metrics.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { type ConfigText, startSidecar } from '../rig/sidecar.ts';

/** One upstream called `u`, known as `u.test`. */
const withU = (keys: ConfigText, more: ConfigText = {}): ConfigText => ({
  ...more,
  upstreams: { u: { hosts: ['u.test'], ...keys } },
});

/** Nobody listens there. */
const nowhere = '127.0.0.1:9';

const tripping = { volume: 2, errorPercent: 50, sleep: '1h' };

test('an open circuit stays open, with its reason, when its limits change', async (t) => {
  const keys = { endpoints: [nowhere], retry: { attempts: 1 } };
  const sidecar = await startSidecar(t, withU({ ...keys, breaker: tripping }));
  const caller = makeCaller(t, sidecar.egress);
  await caller.call();
  await caller.call();
  const { state, why } = await sidecar.breaker('u');

  await sidecar.reload(withU({ ...keys, breaker: { ...tripping, errorPercent: 90 } }));

  assert.equal(state, 'open');
  const after = await sidecar.breaker('u');
  assert.equal(after['state'], 'open');
  assert.equal(String(after['why']).split(';')[0], String(why).split(';')[0]);
  assert.equal(statusOrCode(await caller.call()), 503);
});

test('a sleep that becomes shorter ends sooner for a circuit that is open', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => response.end('ok'));
  const keys = { endpoints: [upstream.address], retry: { attempts: 1 } };
  const broken = (_call: unknown, response: { writeHead(status: number): { end(): unknown } }) =>
    response.writeHead(500).end();
  const good = upstream.answer;
  upstream.answer = broken;
  const sidecar = await startSidecar(t, withU({ ...keys, breaker: tripping }));
  const caller = makeCaller(t, sidecar.egress);
  await caller.call();
  await caller.call();
  upstream.answer = good;
  assert.equal(statusOrCode(await caller.call()), 503);

  await sidecar.reload(withU({ ...keys, breaker: { ...tripping, sleep: '100ms' } }));

  await eventually('the probe closes it', async () => statusOrCode(await caller.call()) === 200);
});

test('what was forced by hand stays forced', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => response.end('ok'));
  const sidecar = await startSidecar(t, withU({ endpoints: [upstream.address] }));
  await postAdmin(sidecar.admin, '/breakers/u', { force: 'open', ttl: '10m' });

  await sidecar.reload(withU({ endpoints: [upstream.address], breaker: { volume: 7 } }));

  const { force, forcedBy, forceExpiresInMs } = await sidecar.breaker('u');
  assert.deepEqual({ force, forcedBy }, { force: 'open', forcedBy: 'hand' });
  assert.ok(Number(forceExpiresInMs) > 0 && Number(forceExpiresInMs) <= 600_000);
});

test('those who wait for a place are let in by a bulkhead that has become larger', async (t) => {
  const held = new Held();
  const upstream = await startHttpUpstream(t, held.answer);
  const keys = { endpoints: [upstream.address] };
  const bulkhead = { concurrency: 1, queue: 5, queueTimeout: '14s' };
  const sidecar = await startSidecar(t, withU({ ...keys, bulkhead }));
  const caller = makeCaller(t, sidecar.egress);
  const answers = Promise.all([caller.call(), caller.call(), caller.call()]);
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 2);

  await sidecar.reload(withU({ ...keys, bulkhead: { ...bulkhead, concurrency: 3 } }));

  await upstream.hasBegun(3);
  held.release();
  assert.deepEqual((await answers).map(statusOrCode), [200, 200, 200]);
});

test('those who wait in a bulkhead that their route has no longer are told when its circuit opens', async (t) => {
  const held = new Held();
  const upstream = await startHttpUpstream(t, held.answer);
  const config = (bulkhead: ConfigText): ConfigText =>
    withU({
      endpoints: [upstream.address],
      routes: [{ name: 'r', match: { path: '/r' }, ...bulkhead }],
    });
  const narrow = { concurrency: 1, queue: 5, queueTimeout: '14s' };
  const sidecar = await startSidecar(t, config({ bulkhead: narrow }));
  const caller = makeCaller(t, sidecar.egress);
  const first = caller.call({ path: '/r' });
  await upstream.hasBegun(1);
  const second = caller.call({ path: '/r' });
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u', route: 'r' }, 1);

  await sidecar.reload(config({}));
  await postAdmin(sidecar.admin, '/breakers/u.r', { force: 'open' });

  assert.equal(statusOrCode(await second), 503);
  held.release();
  assert.equal(statusOrCode(await first), 200);
});

test('connections to endpoints that stay are kept, those to the others are closed', async (t) => {
  const [staying, leaving, coming] = await Promise.all(
    ['a', 'b', 'c'].map((name) => startHttpUpstream(t, (_call, response) => response.end(name))),
  );
  const pool = { pool: { idle: '60s' } };
  const list = (...upstreams: (typeof staying)[]) => ({
    endpoints: upstreams.map((each) => each!.address),
    ...pool,
  });
  const sidecar = await startSidecar(t, withU(list(staying, leaving)));
  const caller = makeCaller(t, sidecar.egress);
  await eventually('both have been called', async () => {
    await caller.call();
    return staying!.begun > 0 && leaving!.begun > 0;
  });

  const changes = await sidecar.reload(withU(list(staying, coming)));

  assert.equal(changes, 'upstreams changed: u');
  await eventually('the one that left has no connection', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    leaving!.server.getConnections((_error, count) => resolve(count));
    return (await promise) === 0;
  });
  const calls = leaving!.begun;
  await eventually('the new one is called', async () => {
    await caller.call();
    return coming!.begun > 0;
  });
  assert.equal(staying!.connections, 1);
  assert.equal(leaving!.begun, calls);
});

test('an endpoint that is passed over still is after a change of something else', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => response.end('ok'));
  const keys = { endpoints: [nowhere, upstream.address] };
  const sidecar = await startSidecar(t, withU(keys));
  const caller = makeCaller(t, sidecar.egress);
  const passedOver = async () => {
    const { upstreams } = JSON.parse((await fetchText(sidecar.admin, '/upstreams')).text);
    return upstreams[0].endpoints[0].consecutiveFailures as number;
  };
  await eventually('it has failed', async () => {
    await caller.call();
    return (await passedOver()) > 0;
  });
  const failures = await passedOver();

  await sidecar.reload(withU({ ...keys, timeout: { total: '3s' } }));

  assert.equal(await passedOver(), failures);
});

test('a changed way of speaking to an upstream takes connections of its own', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => response.end('ok'));
  const sidecar = await startSidecar(t, withU({ endpoints: [upstream.address], pool: { idle: '60s' } }));
  const caller = makeCaller(t, sidecar.egress);
  await caller.call();

  await sidecar.reload(withU({ endpoints: [upstream.address], transport: 'undici', pool: { idle: '60s' } }));

  assert.equal(statusOrCode(await caller.call()), 200);
  assert.equal(upstream.connections, 2);
});

test('a limit on what clients send changes no connection to an upstream, one on what upstreams answer does', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => response.end('ok'));
  const keys = { endpoints: [upstream.address], pool: { idle: '60s' } };
  const sidecar = await startSidecar(t, withU(keys));
  const caller = makeCaller(t, sidecar.egress);
  await caller.call();

  await sidecar.reload(withU(keys, { limits: { headTimeout: '7s' } }));
  await caller.call();
  const connections = upstream.connections;
  await sidecar.reload(withU(keys, { limits: { headTimeout: '7s', responseHead: '9KiB' } }));
  await caller.call();

  assert.equal(connections, 1);
  assert.equal(upstream.connections, 2);
});

test('counters go on, also those of an upstream that goes and comes back', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => response.end('ok'));
  const config = withU({ endpoints: [upstream.address] });
  const sidecar = await startSidecar(t, config);
  const caller = makeCaller(t, sidecar.egress);
  const counted = () => sidecar.metric('requests_total', { upstream: 'u' });
  await caller.call();

  await sidecar.reload({});
  const whileGone = await counted();
  const { status } = await fetchText(sidecar.admin, '/breakers/u');
  await sidecar.reload(config);
  await caller.call();

  assert.equal(whileGone, 1);
  assert.equal(status, 404);
  assert.equal(await counted(), 2);
});

test('a limit of the wire holds for the next request on a connection that is open', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => response.end('ok'));
  const keys = { endpoints: [upstream.address] };
  const sidecar = await startSidecar(t, withU(keys));
  const client = await connectRaw(t, sidecar.egress);
  const request = 'POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 5\r\n\r\nhello';
  client.send(request);
  await client.response();

  await sidecar.reload(withU(keys, { limits: { requestBody: '4B' } }));
  client.send(request);

  assert.match((await client.response()).startLine, /413/);
});

test('the access log follows its settings', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => response.end('ok'));
  const keys = { endpoints: [upstream.address] };
  const log = (access: string) => ({ log: { level: 'info', format: 'json', access } });
  const sidecar = await startSidecar(t, withU(keys, log('off')));
  const caller = makeCaller(t, sidecar.egress);
  await caller.call({ path: '/before' });

  await sidecar.reload(withU(keys, log('all')));
  await caller.call({ path: '/after' });

  assert.equal((await sidecar.accessLineAt(0))['path'], '/after');
  await sidecar.reload(withU(keys, log('off')));
  await caller.call({ path: '/later' });
  await sidecar.metricIs('requests_total', { upstream: 'u' }, 3);
  assert.equal(sidecar.accessLog.length, 1);
});
