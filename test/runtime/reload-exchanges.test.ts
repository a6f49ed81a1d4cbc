import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { Held, startHttpUpstream } from '../rig/http-upstream.ts';
import { fetchText } from '../rig/metrics.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { type ConfigText, startSidecar } from '../rig/sidecar.ts';

const withU = (keys: ConfigText): ConfigText => ({ upstreams: { u: { hosts: ['u.test'], ...keys } } });

test('an exchange ends under the rules that it began with, the next one begins under the new ones', async (t) => {
  const upstream = await startHttpUpstream(t, () => {});
  const keys = { endpoints: [upstream.address], retry: { attempts: 1 } };
  const sidecar = await startSidecar(t, withU({ ...keys, timeout: { total: '1h' } }));
  const caller = makeCaller(t, sidecar.egress);
  let isOver = false;
  void caller.call({ path: '/old' }).then(() => {
    isOver = true;
  });
  await upstream.hasBegun(1);

  await sidecar.reload(withU({ ...keys, timeout: { total: '50ms' } }));

  assert.equal(statusOrCode(await caller.call({ path: '/new' })), 504);
  assert.equal(isOver, false);
});

test('a request on a kept connection takes the new route', async (t) => {
  const [before, after] = await Promise.all([
    startHttpUpstream(t, (_call, response) => response.end('before')),
    startHttpUpstream(t, (_call, response) => response.end('after')),
  ]);
  const sidecar = await startSidecar(t, withU({ endpoints: [before.address] }));
  const client = await connectRaw(t, sidecar.egress);
  const get = 'GET / HTTP/1.1\r\nHost: u.test\r\n\r\n';
  client.send(get);
  assert.equal(String((await client.response()).body), 'before');

  await sidecar.reload({ upstreams: { v: { hosts: ['u.test'], endpoints: [after.address] } } });
  client.send(get);

  assert.equal(String((await client.response()).body), 'after');
});

test('the upstream of an exchange is removed, and it is answered all the same', async (t) => {
  const held = new Held();
  const upstream = await startHttpUpstream(t, held.answer);
  const sidecar = await startSidecar(t, withU({ endpoints: [upstream.address] }));
  const caller = makeCaller(t, sidecar.egress);
  const answer = caller.call();
  await upstream.hasBegun(1);

  await sidecar.reload({});
  held.release();

  assert.equal(statusOrCode(await answer), 200);
  assert.equal(statusOrCode(await caller.call()), 403);
  await eventually('its connection is closed', async () => {
    const { promise, resolve } = Promise.withResolvers<number>();
    upstream.server.getConnections((_error, count) => resolve(count));
    return (await promise) === 0;
  });
});

test('a removed upstream still serves a retry, and who waits for a place in its bulkhead', async (t) => {
  const held = new Held();
  const upstream = await startHttpUpstream(t);
  upstream.answer = async (_call, response) => {
    const isFirst = upstream.begun === 1;
    await held.opened;
    response.writeHead(isFirst ? 503 : 200).end();
  };
  const keys = { endpoints: [upstream.address], bulkhead: { concurrency: 1, queue: 5, queueTimeout: '14s' } };
  const sidecar = await startSidecar(t, withU(keys));
  const caller = makeCaller(t, sidecar.egress);
  const first = caller.call();
  await upstream.hasBegun(1);
  const second = caller.call();
  await sidecar.metricIs('bulkhead_queued', { upstream: 'u' }, 1);

  await sidecar.reload({});
  held.release();

  assert.equal(statusOrCode(await first), 200);
  assert.equal(statusOrCode(await second), 200);
  assert.equal(upstream.begun, 3);
});

test('what a configuration that cannot be read says is told, and changes nothing', async (t) => {
  const upstream = await startHttpUpstream(t);
  const sidecar = await startSidecar(t, withU({ endpoints: [upstream.address] }));
  const caller = makeCaller(t, sidecar.egress);

  const report = await sidecar.tryReload(
    withU({ endpoints: [upstream.address], breaker: { volum: 1 }, x: 1 }),
  );

  assert.equal(report.result, 'failed');
  assert.equal(report.problems.length, 2);
  assert.match(report.why, /^test\.json:\d+:\d+: upstreams\.u\.\S+: unknown key .* \(and 1 more\)$/);
  assert.deepEqual(
    sidecar.logged('config.reloaded').map(({ level, why }) => ({ level, why })),
    [{ level: 'error', why: report.why }],
  );
  assert.equal(await sidecar.metric('config_last_reload_success'), 0);
  assert.equal(await sidecar.metric('config_reloads_total', { result: 'failure' }), 1);
  assert.equal((await fetchText(sidecar.admin, '/readyz')).status, 200);
  assert.equal(statusOrCode(await caller.call()), 200);

  assert.equal(await sidecar.reload(withU({ endpoints: [upstream.address] })), 'nothing is different');
  assert.equal(await sidecar.metric('config_last_reload_success'), 1);
});

test('all who ask while a reload is under way share the next one', async (t) => {
  const sidecar = await startSidecar(t, {});
  const reports = await Promise.all(Array.from({ length: 10 }, () => sidecar.app.reload()));
  assert.deepEqual(new Set(reports.map(({ result }) => result)), new Set(['succeeded']));
  assert.equal(await sidecar.metric('config_reloads_total', { result: 'success' }), 1);
});

test('a draining process takes no other configuration', async (t) => {
  const sidecar = await startSidecar(t, { drain: { idleExit: '200ms' } });
  const drained = sidecar.app.drain();

  const report = await sidecar.tryReload({ log: { access: 'off' } });

  assert.deepEqual(report, { result: 'refused', why: 'it is draining', problems: [] });
  await drained;
});

test('hundreds of reloads leave nothing behind', async (t) => {
  const upstream = await startHttpUpstream(t);
  const config = (index: number): ConfigText => ({
    upstreams: {
      u: { hosts: ['u.test'], endpoints: [upstream.address], timeout: { total: `${1000 + (index % 7)}ms` } },
      [`come-and-go-${index}`]: {
        listen: '127.0.0.1:0',
        endpoints: [upstream.address],
        routes: [{ name: 'r', match: { path: '/r/*' }, bulkhead: { concurrency: 3 } }],
      },
    },
  });
  const sidecar = await startSidecar(t, config(0));
  const caller = makeCaller(t, sidecar.egress, 1);
  const handles = () => process.getActiveResourcesInfo().length;
  await sidecar.reload(config(1));
  await caller.call();
  const before = handles();

  for (let index = 2; index < 200; index += 1) {
    await sidecar.reload(config(index));
    assert.equal(statusOrCode(await caller.call()), 200);
  }

  const { samples } = await sidecar.metrics();
  const gauges = samples.filter(({ name }) => name === 'outrigger_breaker_state');
  assert.deepEqual(
    gauges
      .map(({ labels }) => labels['upstream'])
      .filter((name) => name !== 'unlisted')
      .sort(),
    ['come-and-go-199', 'come-and-go-199', 'u'],
  );
  await eventually('as many handles as before', () => handles() <= before + 2);
});

test('of requests that go on over reloads, right and wrong ones, none is lost and none comes twice', async (t) => {
  const seen = new Map<string, number>();
  const upstream = await startHttpUpstream(t, ({ path }, response) => {
    seen.set(path, (seen.get(path) ?? 0) + 1);
    response.end(path);
  });
  const config = (index: number): ConfigText => ({
    limits: { requestHead: index % 4 === 0 ? '32KiB' : '48KiB' },
    upstreams: {
      u: { hosts: ['u.test'], endpoints: [upstream.address], timeout: { total: `${5000 + index}ms` } },
      [`other-${index % 3}`]: { listen: '127.0.0.1:0' },
    },
  });
  const sidecar = await startSidecar(t, config(0));
  const kept = makeCaller(t, sidecar.egress, 4);
  const fresh = makeCaller(t, sidecar.egress, 2, false);
  let sent = 0;
  let isOver = false;
  const work = async (caller: typeof kept): Promise<void> => {
    while (!isOver) {
      sent += 1;
      const path = `/${sent}`;
      const result = await caller.call({ path });
      assert.equal(result.kind === 'answer' ? String(result.body) : result.code, path);
    }
  };
  const workers = [kept, kept, kept, kept, fresh, fresh].map(work);

  for (let index = 1; index <= 40; index += 1) {
    const aim = sent + 5;
    if (index % 2 === 0) await sidecar.reload(config(index));
    else assert.equal((await sidecar.tryReload({ ...config(index), nonsense: 1 })).result, 'failed');
    await eventually('some requests are made', () => sent >= aim);
  }
  isOver = true;
  await Promise.all(workers);

  assert.equal(seen.size, sent);
  assert.deepEqual([...new Set(seen.values())], [1]);
  await sidecar.metricIs('requests_total', { upstream: 'u', code: '200' }, sent);
});
