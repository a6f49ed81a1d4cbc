import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { describeSettings } from '../../src/config/describe-settings.ts';
import type { Settings } from '../../src/config/settings.ts';
import { settingsOf } from './configuration-text.ts';

const example = readFileSync(new URL('../../deploy/outrigger.example.yaml', import.meta.url), 'utf8');

const everything = `
admin: { probes: "[::]:7402", allowHosts: [admin.shop], maxStreams: { hystrix: 1, all: 2 } }
egress: { unlisted: allow, unlistedIdle: 1m30s }
limits: { requestBody: 7MB, fields: 33 }
log: { sample: 0.7%, access: sampled, format: pretty, level: silent }
drain: { deadline: 1ms }
defaults:
  timeout: { total: unlimited, idle: unlimited, body: none }
  breaker: { consecutive: 5, force: open, countRejections: true }
upstreams:
  a:
    hosts: [a, "a:80", "[::1]:81"]
    listen: localhost:0
    dns: a.shop:80
    hostHeader: A.shop
    transport: undici
    bulkhead: { concurrency: unlimited, queue: 0 }
    fallback: { on: [timeout, circuit_open], status: 503, headers: { X-A: "1" }, body: "é" }
    failure: { status: [500-599], ignore: [501] }
    retry: { on: [], budget: { percent: 0, minPerSecond: 3 }, bodyLimit: 1000 }
    pool: { connectionsPerEndpoint: 1 }
    routes:
      - { name: r, match: { methods: [GET, PUT], path: /r/* }, timeout: { total: 100ms } }
      - { name: s, bulkhead: { concurrency: 3 }, breaker: { slowerThan: 50ms } }
  b: {}
  c: { dns: _http._tcp.c.shop }
`;

/** All that a description has to tell; where it was written is not among it. */
const meaningOf = ({ origins: _, ...settings }: Settings) => settings;

test('the description, read as a file, gives the same settings again', () => {
  for (const text of ['{}', everything, example]) {
    const settings = settingsOf(text, { OUTRIGGER_ADMIN_TOKEN: '<redacted>' });
    assert.deepEqual(meaningOf(settingsOf(stringify(describeSettings(settings)))), meaningOf(settings));
  }
});

test('a plain ${ is shown as a file must have it, and not hidden as if it came from the environment', () => {
  const settings = settingsOf(`
upstreams:
  a:
    endpoints: ['unix:/run/$\${X}.sock']
    routes: [{ name: r, match: { path: '/$\${X}' } }]
    fallback: { on: [timeout], headers: { x-a: '$$\${X}' }, body: 'a $\${X}' }
`);
  const text = stringify(describeSettings(settings));
  assert.ok(text.includes(`a $\${X}`));
  assert.deepEqual(meaningOf(settingsOf(text)), meaningOf(settings));
});

test('the token is not shown', () => {
  const settings = settingsOf('admin: { token: very-secret }');
  assert.ok(!JSON.stringify(describeSettings(settings)).includes('very-secret'));
});
