import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { describeSettings } from '../../src/config/describe-settings.ts';
import { parseSettings } from '../../src/config/parse-settings.ts';
import type { Problem } from '../../src/config/problem.ts';
import { problemsOf, settingsOf } from './configuration-text.ts';

const tcp = (more: string): string =>
  `upstreams: { db: { protocol: tcp, listen: "127.0.0.1:5432", dns: "db.shop:5432", ${more} } }`;

const told = (problems: readonly Problem[]): string[] => problems.map(({ message }) => message);

test('a TCP upstream has a port of its own and a place to connect to', () => {
  const [db] = settingsOf(tcp('bulkhead: { concurrency: 20 }, tcp: { earlyReset: 2s }')).upstreams;

  assert.equal(db?.protocol, 'tcp');
  assert.equal(db?.policy.tcp.earlyResetMs, 2000);
});

test('without a port, or without a place to connect to, a TCP upstream is refused', () => {
  assert.match(
    told(problemsOf('upstreams: { db: { protocol: tcp, dns: "db.shop:1" } }'))[0]!,
    /needs listen/,
  );
  assert.match(
    told(problemsOf('upstreams: { db: { protocol: tcp, listen: "127.0.0.1:5432" } }'))[0]!,
    /needs endpoints or dns/,
  );
});

test('what speaks of requests and answers is refused on a TCP upstream', () => {
  for (const line of [
    'hostHeader: a',
    'failure: { status: [500] }',
    'fallback: { on: [timeout] }',
    'upgrade: [websocket]',
    'pool: { maxIdle: 1 }',
    'routes: [{ name: a, match: { path: /a } }]',
  ]) {
    assert.match(told(problemsOf(tcp(line))).join(), /has no effect on a TCP upstream/, line);
  }
});

test('what is inherited from the defaults is no mistake of a TCP upstream', () => {
  const text = `{ defaults: { pool: { maxIdle: 1 }, upgrade: [] }, ${tcp('').slice(0, -1)} } }`;
  assert.equal(settingsOf(text).upstreams[0]?.protocol, 'tcp');
});

test('protocols to upgrade to are names in any case, and HTTP/2 is none of them', () => {
  const policy = settingsOf('defaults: { upgrade: [WebSocket, "a/1"] }').unlistedPolicy;

  assert.deepEqual(policy.upgrade, ['websocket', 'a/1']);
  for (const name of ['h2c', 'H2', 'HTTP/2.0', 'a b', '""', '"a,b"']) {
    assert.equal(problemsOf(`defaults: { upgrade: [${name}] }`).length, 1, name);
  }
});

test('what the effective configuration shows of a TCP upstream can be read again', () => {
  const settings = settingsOf(tcp('timeout: { idle: 1h }'));
  const shown = JSON.stringify(describeSettings(settings));
  const again = parseSettings(shown, 'again.json', {});

  assert.ok(again.ok, JSON.stringify(again.ok ? '' : again.problems));
  assert.deepEqual(again.settings.upstreams, settings.upstreams);
  assert.equal(parse(shown).upstreams.db.timeout.idle, '1h');
});
