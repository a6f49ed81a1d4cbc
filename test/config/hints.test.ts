import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fold } from '../../src/config/nearest.ts';
import { synonyms } from '../../src/config/synonyms.ts';
import { groupAt } from '../../src/config/vocabulary.ts';
import { problemsOf } from './configuration-text.ts';

const hintFor = (text: string, env: Record<string, string> = {}): string => problemsOf(text, env)[0]!.hint;
const inUpstream = (text: string): string => hintFor(`upstreams: { a: { ${text} } }`);
const inRoute = (text: string): string => inUpstream(`routes: [{ name: r, ${text} }]`);

test('a misspelled key is told as it should be', () => {
  for (const [wrong, hint] of [
    ['timout: {}', 'did you mean "timeout"?'],
    ['time_out: {}', 'did you mean "timeout"?'],
    ['TIMEOUT: {}', 'did you mean "timeout"?'],
    ['endpoint: []', 'did you mean "endpoints"?'],
    ['host_header: x', 'did you mean "hostHeader"?'],
    ['bulkhed: {}', 'did you mean "bulkhead"?'],
    ['retry: { nonidempotent: true }', 'did you mean "nonIdempotent"?'],
    ['timeout: { conn: 1s }', 'did you mean "connect"?'],
    ['timeout.total: 1s', 'write timeout: { total: ... }'],
  ] as const) {
    assert.equal(inUpstream(wrong), hint, wrong);
  }
  assert.equal(hintFor('upstream: {}'), 'did you mean "upstreams"?');
  assert.equal(hintFor('limit: {}'), 'did you mean "limits"?');
  assert.equal(hintFor('drain: { xyzzy: 1 }'), 'known: deadline, idleExit');
});

test('a word of Hystrix, Envoy and others is told as ours', () => {
  for (const [wrong, hint] of [
    ['circuitBreaker: {}', 'did you mean "breaker"?'],
    ['circuit_breakers: {}', 'did you mean "breaker" or "bulkhead"?'],
    ['outlier_detection: {}', 'did you mean "breaker"?'],
    ['retries: 3', 'here it is called "retry.attempts"'],
    ['retry: { num_retries: 3 }', 'did you mean "attempts"?'],
    ['maxConcurrency: 3', 'here it is called "bulkhead.concurrency"'],
    ['bulkhead: { maxQueueSize: 3 }', 'did you mean "queue"?'],
    ['errorThreshold: 50', 'here it is called "breaker.errorPercent"'],
    ['breaker: { errorThresholdPercentage: 50 }', 'did you mean "errorPercent"?'],
    ['per_try_timeout: 1s', 'here it is called "timeout.attempt"'],
    ['url: x', 'did you mean "endpoints"?'],
    ['prefix: /a', 'here it is called "upstreams.a.routes[].match.path"'],
  ] as const) {
    assert.equal(inUpstream(wrong), hint, wrong);
  }
  assert.equal(inRoute('match: { prefix: /a }'), 'did you mean "path"?');
  assert.equal(
    hintFor('circuitBreaker: {}'),
    'here it is called "defaults.breaker" or "upstreams.NAME.breaker"',
  );
  assert.equal(hintFor('clusters: {}'), 'did you mean "upstreams"?');
  assert.equal(hintFor('loglevel: info'), 'here it is called "log.level"');
});

test('a key at the wrong level is told where it belongs', () => {
  for (const [wrong, hint] of [
    ['concurrency: 20', 'it belongs under "bulkhead" or "fallback"'],
    ['total: 5s', 'it belongs under "timeout"'],
    ['breaker: { timeout: {} }', 'it belongs under "upstreams.a"'],
    ['breaker: { queue: 5 }', 'it belongs under "upstreams.a.bulkhead"'],
    ['limits: {}', 'it belongs at the top of the file'],
    ['path: /a', 'it belongs under "upstreams.a.routes[].match"'],
  ] as const) {
    assert.equal(inUpstream(wrong), hint, wrong);
  }
  assert.equal(inRoute('path: /a'), 'it belongs under "match"');
  assert.equal(inRoute('pool: {}'), 'it belongs under "upstreams.a"');
  assert.equal(hintFor('timeout: {}'), 'it belongs under "defaults" or "upstreams.NAME"');
  assert.equal(
    hintFor('timout: {}'),
    'did you mean "timeout"? it belongs under "defaults" or "upstreams.NAME"',
  );
  assert.equal(hintFor('level: info'), 'it belongs under "log"');
  assert.equal(hintFor('defaults: { hosts: [a] }'), 'it belongs under "upstreams.NAME"');
});

test('a value of the wrong shape is told in the right one', () => {
  for (const [wrong, hint] of [
    ['timeout: 5', 'write timeout: { total: 5s }'],
    ['timeout: 5s', 'write timeout: { total: 5s }'],
    ['timeout: { total: 5 }', 'with a unit: 5s or 5ms'],
    ['timeout: { total: "5 seconds" }', 'write 5s'],
    ['timeout: { total: 1.5s }', 'write 1s500ms'],
    ['retry: 3', 'write retry: { attempts: 3 }'],
    ['retry: false', 'write retry: { attempts: 1 }'],
    ['breaker: off', 'write breaker: { force: closed }'],
    ['bulkhead: 20', 'write bulkhead: { concurrency: 20 }'],
    ['bulkhead: { concurrency: "20" }', 'without the quotes: 20'],
    ['endpoints: "10.0.0.1:80"', 'write endpoints: ["10.0.0.1:80"]'],
    ['endpoints: "a:80, b:80"', 'write endpoints: ["a:80", "b:80"]'],
    ['failure: { status: 500-599 }', 'write status: ["500-599"]'],
    ['listen: 8080', 'write 127.0.0.1:8080'],
    ['endpoints: ["http://10.0.0.4:9080/"]', 'write 10.0.0.4:9080'],
    ['endpoints: ["http://[fd00::5]:9080"]', 'write "[fd00::5]:9080"'],
    ['endpoints: ["https://reviews:9443"]', 'write reviews:9443, and tls: {} beside endpoints'],
    [
      'endpoints: ["http://reviews:9080/api"]',
      'such as 10.1.0.4:9080, "[fd00::5]:9080" or unix:/run/reviews.sock',
    ],
    ['fallback: { on: [timeout], body: 5 }', 'put it in quotes'],
    ['routes: { r: {} }', 'a list: a dash before each item'],
    ['retry: { on: [5xx] }', 'write each one, such as 502, 503, 504'],
    ['retry: { on: [500-599] }', 'write each one, such as 502, 503, 504'],
    ['retry: { nonIdempotent: yes }', 'write true'],
    ['retry: { nonIdempotent: off }', 'write false'],
    ['retry: { bodyLimit: 64k }', 'write 64KiB'],
    ['retry: { bodyLimit: 1 mb }', 'write 1MB'],
    ['breaker: { errorPercent: 0.5 }', 'such as 50'],
  ] as const) {
    assert.equal(inUpstream(wrong), hint, wrong);
  }
  assert.equal(inRoute('match: { methods: [get] }'), 'write GET');
  assert.equal(inRoute('match: /a'), 'write match: { path: /a }');
  assert.equal(hintFor('upstreams: { a: "10.0.0.1:80" }'), 'write a: { endpoints: ["10.0.0.1:80"] }');
  assert.equal(hintFor('upstreams: [a]'), 'keys with their values, without dashes');
  assert.equal(hintFor('log: { level: warning }'), 'did you mean "warn"?');
  assert.equal(hintFor(`upstreams: { a: "\${X}" }`, { X: 'x' }), 'a reference stands for a single value');
});

test('every synonym leads to a key that there is, and is none itself', () => {
  const tops = [[], ['upstreams', 'a']];
  for (const [word, names] of Object.entries(synonyms)) {
    assert.equal(fold(word), word);
    for (const name of names) {
      const parts = name.replace('routes.', 'routes.0.').split('.');
      const path = parts.map((part) => (part === '0' ? 0 : part));
      const isKnown = tops.some((top) => {
        const group = groupAt([...top, ...path.slice(0, -1)]);
        return group !== null && parts.at(-1)! in group;
      });
      assert.ok(isKnown, `${word}: ${name}`);
    }
    const isOurs = (key: string): boolean => fold(key) === word;
    assert.ok(!tops.some((top) => Object.keys(groupAt(top)!).some(isOurs)), word);
  }
});
