import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settingsOf, upstreamOf } from './configuration-text.ts';

const layered = `
defaults:
  timeout: { total: 9s, connect: 100ms }
  retry: { backoff: { base: 1ms, max: 9ms } }
  fallback: { on: [circuit_open], headers: { a: "1", b: "2" }, body: from-defaults }
upstreams:
  u:
    timeout: { total: 8s }
    retry: { backoff: { max: 8ms } }
    routes:
      - name: r
        timeout: { attempt: 2s }
        retry: { on: [503] }
        fallback: { headers: { c: "3" } }
      - name: s
        match: { path: /s }
        bulkhead: { concurrency: 1 }
`;

test('an upstream overrides the defaults key by key, at every depth', () => {
  const { policy } = upstreamOf(layered, 'u');
  assert.equal(policy.timeout.totalMs, 8000);
  assert.equal(policy.timeout.connectMs, 100);
  assert.deepEqual(policy.retry.backoff, { baseMs: 1, maxMs: 8 });
});

test('a route overrides its upstream key by key, at every depth', () => {
  const policy = upstreamOf(layered, 'u').routes[0]!.policy;
  assert.deepEqual(
    [policy.timeout.attemptMs, policy.timeout.totalMs, policy.timeout.connectMs],
    [2000, 8000, 100],
  );
  assert.deepEqual(policy.retry.backoff, { baseMs: 1, maxMs: 8 });
});

test('lists and header fields are replaced as a whole', () => {
  const policy = upstreamOf(layered, 'u').routes[0]!.policy;
  assert.deepEqual(policy.retry.on, [503]);
  assert.deepEqual(policy.fallback.headers, { c: '3' });
  assert.equal(Buffer.from(policy.fallback.body).toString(), 'from-defaults');
});

test('a route that writes bulkhead gets one of its own', () => {
  const { routes } = upstreamOf(layered, 'u');
  assert.deepEqual(
    routes.map((route) => route.hasOwnBulkhead),
    [false, true],
  );
});

test('destinations without an upstream have the policy of the defaults', () => {
  assert.equal(settingsOf(layered).unlistedPolicy.timeout.totalMs, 9000);
});

test('what is inherited is lowered to a limit that was written below it', () => {
  const { policy, pool, routes } = upstreamOf(
    `upstreams:
  u:
    timeout: { attempt: 5s }
    pool: { connectionsPerEndpoint: 2 }
    retry: { backoff: { max: 1ms } }
    routes: [{ name: r, timeout: { total: 800ms } }]
`,
    'u',
  );
  assert.equal(pool.maxIdle, 2);
  assert.equal(policy.retry.backoff.baseMs, 1);
  const route = routes[0]!.policy;
  assert.deepEqual(
    [route.timeout.attemptMs, route.timeout.connectMs, route.bulkhead.queueTimeoutMs],
    [800, 800, 800],
  );
});

test('an upstream is called by its key unless it says otherwise', () => {
  assert.deepEqual(upstreamOf('upstreams: { Reviews: {} }', 'Reviews').hosts, [{ host: 'reviews', port: 0 }]);
  assert.deepEqual(upstreamOf('upstreams: { r: { hosts: ["a:80", b] } }', 'r').hosts, [
    { host: 'a', port: 80 },
    { host: 'b', port: 0 },
  ]);
});

test('endpoints are static, or a name, or whatever the app named', () => {
  const upstreams = settingsOf(`upstreams:
  a: { endpoints: ["10.0.0.1:80", "unix:/run/a"] }
  b: { dns: "b.shop:81" }
  c: {}
`).upstreams;
  assert.deepEqual(
    upstreams.map((each) => each.source),
    [
      {
        kind: 'static',
        addresses: [
          { kind: 'ip', host: '10.0.0.1', port: 80 },
          { kind: 'unix', path: '/run/a' },
        ],
      },
      { kind: 'dns', host: 'b.shop', port: 81 },
      { kind: 'named' },
    ],
  );
});
