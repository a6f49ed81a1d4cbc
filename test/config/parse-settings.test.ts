import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { formatProblem } from '../../src/config/problem.ts';
import { complaintsOf, problemsOf, settingsOf } from './configuration-text.ts';

test('an empty mapping gives every default', () => {
  const settings = settingsOf('{}');
  assert.deepEqual(settings.egress, {
    address: { host: '127.0.0.1', port: 7400 },
    unlisted: 'deny',
    maxUnlisted: 256,
    unlistedIdleMs: 600_000,
    maxConnections: 10_000,
    maxTunnels: 1000,
  });
  assert.deepEqual(settings.unlistedPolicy.timeout, {
    connectMs: 1000,
    attemptMs: Number.POSITIVE_INFINITY,
    totalMs: 15_000,
    idleMs: 60_000,
    bodyMs: Number.POSITIVE_INFINITY,
  });
  assert.deepEqual(settings.unlistedPolicy.failure.status, [
    { from: 500, to: 500 },
    { from: 502, to: 504 },
    { from: 506, to: 599 },
  ]);
  assert.equal(settings.replayBytes, 16_777_216);
  assert.equal(settings.limits.requestBodyBytes, Number.POSITIVE_INFINITY);
});

test('every problem is reported at once, in the order of the file, each where it stands', () => {
  const text = `admin:
  addres: 127.0.0.1:1
egress:
  unlisted: perhaps
upstreams:
  reviews:
    timeout: { total: 5, attempt: 1s }
    retry:
      attempts: 99
      on: [reset, resett]
    endpoints: [10.0.0.1]
  a b: {}
`;
  assert.deepEqual(complaintsOf(text), [
    '2:3 admin.addres: unknown key "addres"',
    '4:13 egress.unlisted: "perhaps" is not known here',
    '7:23 upstreams.reviews.timeout.total: 5 is not a duration',
    '9:17 upstreams.reviews.retry.attempts: 99 is out of range',
    '10:19 upstreams.reviews.retry.on[1]: "resett" is neither a condition nor a status',
    '11:17 upstreams.reviews.endpoints[0]: "10.0.0.1" is not an address with a port',
    '12:3 upstreams.a b: "a b" is not a usable name',
  ]);
});

test('wrong values and impossible combinations are reported together', () => {
  const text = `upstreams:
  a:
    endpoints: ["10.0.0.1:80"]
    dns: a.shop:80
    timeout: { attempt: 20s }
    breaker: { volume: none }
`;
  assert.deepEqual(complaintsOf(text), [
    '4:10 upstreams.a.dns: dns and endpoints exclude each other',
    '5:25 upstreams.a.timeout.attempt: 20s is more than timeout.total, which is 15s',
    '6:24 upstreams.a.breaker.volume: "none" is not a whole number',
  ]);
});

test('nothing is concluded from a value that was refused', () => {
  const text = 'admin:\n  address: 0.0.0.0:7401\n  token: short\n';
  assert.deepEqual(complaintsOf(text), ['3:10 admin.token: is not a usable token']);
});

test('a key that is nearly right is explained by the right one', () => {
  for (const [text, hint] of [
    ['egres: {}', 'did you mean "egress"?'],
    ['upstreams: { a: { bulkhed: {} } }', 'did you mean "bulkhead"?'],
    ['upstreams: { a: { routes: [{ name: x, mach: {} }] } }', 'did you mean "match"?'],
    ['defaults: { retry: { backoff: { mix: 1s } } }', 'did you mean "max"?'],
    ['upstreams: { a: { timeout: { Total: 1s } } }', 'did you mean "total"?'],
    ['log: { level: wran }', 'did you mean "warn"?'],
    ['drain: { xyzzy: 1 }', 'known: deadline, idleExit'],
  ] as const) {
    assert.equal(problemsOf(text)[0]?.hint, hint, text);
  }
});

test('one protocol is spoken with an upstream, and upgrades go over our own wire alone', () => {
  for (const [line, message] of [
    ['tls: { alpn: [h2, http/1.1] }', /more than one/],
    ['transport: undici, upgrade: [websocket]', /no effect with transport: undici/],
    ['tls: { alpn: [h2] }, upgrade: [websocket]', /no effect with tls.alpn/],
  ] as const) {
    assert.match(problemsOf(`upstreams: { a: { ${line} } }`)[0]!.message, message, line);
  }
  assert.deepEqual(settingsOf('upstreams: { a: { tls: { alpn: [h2] } } }').upstreams[0]?.tls?.alpn, ['h2']);
});

test('who speaks with an upstream is chosen for each: ourselves where nothing is said', () => {
  const { upstreams } = settingsOf(
    'upstreams: { a: {}, b: { transport: native }, c: { transport: undici } }',
  );
  assert.deepEqual(
    upstreams.map(({ transport }) => transport),
    ['native', 'native', 'undici'],
  );
  const [problem] = problemsOf('upstreams: { a: { transport: undisi } }');
  assert.equal(problem?.hint, 'did you mean "undici"?');
});

test('what is without bound must be written out, and only where that is possible', () => {
  const text = 'defaults: { timeout: { total: unlimited }, bulkhead: { concurrency: unlimited } }';
  const policy = settingsOf(text).unlistedPolicy;
  assert.equal(policy.timeout.totalMs, Number.POSITIVE_INFINITY);
  assert.equal(policy.bulkhead.concurrency, Number.POSITIVE_INFINITY);
  for (const line of [
    'timeout: { total: .inf }',
    'timeout: { total: 0s }',
    'bulkhead: { queue: unlimited }',
    'retry: { attempts: unlimited }',
  ]) {
    assert.equal(problemsOf(`defaults: { ${line} }`).length, 1, line);
  }
});

test('a key without a value is an error', () => {
  assert.deepEqual(complaintsOf('egress:\nadmin:\n  token:\n'), [
    '1:1 egress: has no value',
    '3:3 admin.token: has no value',
  ]);
});

test('JSON is read with the same positions', () => {
  assert.deepEqual(complaintsOf('{\n\t"egress": {\n\t\t"unlisted": 7\n\t}\n}\n'), [
    '3:15 egress.unlisted: 7 is not known here',
  ]);
});

test('an alias stands for what its anchor holds', () => {
  const settings = settingsOf(`upstreams:
  a: &shared { timeout: { total: 3s } }
  b: *shared
`);
  assert.deepEqual(
    settings.upstreams.map((each) => each.policy.timeout.totalMs),
    [3000, 3000],
  );
});

test('a value that goes before the file is reported under its own name', () => {
  const override = { path: ['egress', 'address'], text: 'nowhere', origin: '--egress' } as const;
  const parsed = parseSettings('egress: { address: 127.0.0.1:1 }', 'test.yaml', {}, [override]);
  assert.ok(!parsed.ok);
  assert.deepEqual(
    parsed.problems.map(({ file, line, path }) => ({ file, line, path })),
    [{ file: '--egress', line: 0, path: 'egress.address' }],
  );
});

test('a problem is one line, whatever the file holds', () => {
  const [problem] = problemsOf('"a\\nb\\e[2J": 1');
  assert.ok(problem !== undefined);
  assert.match(formatProblem(problem), /^[\x20-\x7e]+$/);
});
