import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemsOf, settingsOf } from './configuration-text.ts';

interface Row {
  readonly why: string;
  readonly text: string;
  readonly path: string;
}

const inUpstream = (text: string): string => `upstreams: { u: { ${text} } }`;

const rows: readonly Row[] = [
  {
    why: 'an attempt longer than the total',
    text: inUpstream('timeout: { attempt: 2s, total: 1s }'),
    path: 'upstreams.u.timeout.attempt',
  },
  {
    why: 'a connect longer than the total',
    text: inUpstream('timeout: { connect: 2s, total: 1s }'),
    path: 'upstreams.u.timeout.connect',
  },
  {
    why: 'a total longer than the whole exchange',
    text: inUpstream('timeout: { total: 9s, body: 8s }'),
    path: 'upstreams.u.timeout.total',
  },
  {
    why: 'no bound for the head but one for the whole',
    text: inUpstream('timeout: { total: unlimited, body: 8s }'),
    path: 'upstreams.u.timeout.total',
  },
  {
    why: 'a wait in the queue longer than the total',
    text: inUpstream('bulkhead: { queueTimeout: 16s }'),
    path: 'upstreams.u.bulkhead.queueTimeout',
  },
  {
    why: 'a wait in a queue that is not there',
    text: inUpstream('bulkhead: { queue: 0, queueTimeout: 1s }'),
    path: 'upstreams.u.bulkhead.queueTimeout',
  },
  {
    why: 'slow later than given up',
    text: inUpstream('timeout: { attempt: 1s }, breaker: { slowerThan: 2s }'),
    path: 'upstreams.u.breaker.slowerThan',
  },
  {
    why: 'a share of slow attempts when none is slow',
    text: inUpstream('breaker: { slowPercent: 50 }'),
    path: 'upstreams.u.breaker.slowPercent',
  },
  {
    why: 'a first wait longer than the longest',
    text: inUpstream('retry: { backoff: { base: 2s, max: 1s } }'),
    path: 'upstreams.u.retry.backoff.base',
  },
  {
    why: 'more idle connections than connections',
    text: inUpstream('pool: { connectionsPerEndpoint: 1, maxIdle: 2 }'),
    path: 'upstreams.u.pool.maxIdle',
  },
  {
    why: 'a record larger than all records',
    text: 'limits: { replay: 1KiB }\ndefaults: { retry: { bodyLimit: 2KiB } }',
    path: 'defaults.retry.bodyLimit',
  },
  {
    why: 'two sources of endpoints',
    text: inUpstream('endpoints: ["10.0.0.1:80"], dns: "a:80"'),
    path: 'upstreams.u.dns',
  },
  {
    why: 'two bodies of a fallback',
    text: inUpstream('fallback: { on: [timeout], body: x, bodyFile: /dev/null }'),
    path: 'upstreams.u.fallback.bodyFile',
  },
  {
    why: 'a body with a status that has none',
    text: inUpstream('fallback: { on: [timeout], status: 204, body: x }'),
    path: 'upstreams.u.fallback.status',
  },
  {
    why: 'a body with a status that asks for a blank form',
    text: inUpstream('fallback: { on: [timeout], status: 205, body: x }'),
    path: 'upstreams.u.fallback.status',
  },
  {
    why: 'a fallback for no reason',
    text: inUpstream('fallback: { body: x }'),
    path: 'upstreams.u.fallback',
  },
  { why: 'an upstream that nothing can reach', text: inUpstream('hosts: []'), path: 'upstreams.u.hosts' },
  {
    why: 'the budget of a route',
    text: inUpstream('routes: [{ name: r, retry: { budget: { percent: 1 } } }]'),
    path: 'upstreams.u.retry.budget'.replace('u.', 'u.routes[0].'),
  },
  {
    why: 'two routes of one name',
    text: inUpstream('routes: [{ name: r, match: { path: /a } }, { name: r, match: { path: /b } }]'),
    path: 'upstreams.u.routes[1].name',
  },
  {
    why: 'two routes for the same requests',
    text: inUpstream(
      'routes: [{ name: r, match: { methods: [GET, PUT] } }, { name: s, match: { methods: [PUT] } }]',
    ),
    path: 'upstreams.u.routes[1].match',
  },
  {
    why: 'one endpoint twice',
    text: inUpstream('endpoints: ["a:80", "A:80"]'),
    path: 'upstreams.u.endpoints[1]',
  },
  {
    why: 'an endpoint that is the proxy itself',
    text: inUpstream('endpoints: ["localhost:7400"]'),
    path: 'upstreams.u.endpoints[0]',
  },
  {
    why: 'an endpoint that is its own listener',
    text: inUpstream('listen: 127.0.0.1:9001, dns: "localhost:9001"'),
    path: 'upstreams.u.dns',
  },
  {
    why: 'a listener on the port of the proxy',
    text: inUpstream('listen: 0.0.0.0:7400'),
    path: 'upstreams.u.listen',
  },
  {
    why: 'two upstreams on one port',
    text: 'upstreams: { a: { listen: 127.0.0.1:1 }, b: { listen: 127.0.0.1:1 } }',
    path: 'upstreams.b.listen',
  },
  {
    why: 'two upstreams of one host',
    text: 'upstreams: { a: { hosts: [x] }, b: { hosts: [X] } }',
    path: 'upstreams.b.hosts[0]',
  },
  {
    why: 'an open admin interface without a token',
    text: 'admin: { address: "0.0.0.0:7401" }',
    path: 'admin.address',
  },
  { why: 'admin and probes on one port', text: 'admin: { probes: 127.0.0.1:7401 }', path: 'admin.probes' },
  {
    why: 'more readers of one stream than of all',
    text: 'admin: { maxStreams: { hystrix: 9, all: 8 } }',
    path: 'admin.maxStreams.hystrix',
  },
  {
    why: 'a request line longer than the head',
    text: 'limits: { requestLine: 64KiB }',
    path: 'limits.requestLine',
  },
  { why: 'a quiet time longer than the deadline', text: 'drain: { idleExit: 30s }', path: 'drain.idleExit' },
  { why: 'a reserved name', text: 'upstreams: { unlisted: {} }', path: 'upstreams.unlisted' },
];

for (const { why, text, path } of rows) {
  test(`refused: ${why}`, () => {
    assert.deepEqual(
      problemsOf(text).map((problem) => problem.path),
      [path],
    );
  });
}

test('each of these is accepted when its other half is not there', () => {
  for (const text of [
    inUpstream('timeout: { attempt: 15s }'),
    inUpstream('timeout: { body: 8s }'),
    inUpstream('bulkhead: { queue: 0 }'),
    inUpstream('breaker: { slowPercent: 50, slowerThan: 1s }'),
    inUpstream('fallback: { on: [] }'),
    inUpstream('fallback: { body: x }, routes: [{ name: r, fallback: { on: [timeout] } }]'),
    inUpstream('hosts: [], listen: 127.0.0.1:9001'),
    inUpstream('routes: [{ name: r, match: { methods: [GET] } }, { name: s }]'),
    'upstreams: { a: { hosts: [x] }, b: { hosts: ["x:80"] } }',
    'admin: { address: "0.0.0.0:7401", token: long-enough }',
    'admin: { address: "127.0.0.1:0", probes: "127.0.0.1:0" }',
    'drain: { deadline: 1s }',
    'limits: { replay: 0 }',
  ]) {
    settingsOf(text);
  }
});

test('the header fields of a fallback can neither break its framing nor its head', () => {
  for (const fields of [
    '"a b": x',
    'Content-Length: "3"',
    'transfer-encoding: chunked',
    'a: "x\\r\\nb: y"',
    'a: "x\\0"',
    '"": x',
    'a: " x"',
    'a: "☃"',
  ]) {
    assert.equal(
      problemsOf(inUpstream(`fallback: { on: [timeout], headers: { ${fields} } }`)).length,
      1,
      fields,
    );
  }
});

test('a path has its star at the end only, and neither query nor spaces', () => {
  for (const path of ['a', '/*/b', '/a*', '/a?b', '"/a b"', '"/a#b"', '""']) {
    assert.equal(problemsOf(inUpstream(`routes: [{ name: r, match: { path: ${path} } }]`)).length, 1, path);
  }
});
