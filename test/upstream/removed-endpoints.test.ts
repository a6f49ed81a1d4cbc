import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { TimeoutQueues } from '../../src/lib/timeout-queues.ts';
import type { Outcome } from '../../src/policy/outcome.ts';
import { EventBus } from '../../src/telemetry/bus.ts';
import { Dialer } from '../../src/upstream/dialer.ts';
import { Http1Transport } from '../../src/upstream/http1-transport.ts';
import { Resolver } from '../../src/upstream/resolver.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { DnsServer } from '../rig/dns-server.ts';
import { eventually } from '../rig/eventually.ts';
import { plainRequest } from '../rig/plain-request.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** A real upstream on 127.0.0.1 that is found by a declared name; DNS lives on a virtual clock. */
const setUp = async (t: TestContext) => {
  const server = await DnsServer.start(t);
  const clock = new VirtualClock();
  const resolver = new Resolver({
    clock,
    hostsPath: '/dev/null',
    dns: { servers: [server.address], search: [], ndots: 1, timeoutMs: 50, tries: 1 },
  });
  const raw = await startRawUpstream(t, () => {});
  const upstream = new Upstream({
    name: 'reviews',
    source: { kind: 'dns', host: 'reviews.test', port: raw.port },
    resolver,
    clock,
    random: () => 0,
    bus: new EventBus([]),
  });
  const timeouts = new TimeoutQueues(systemClock);
  const transport = new Http1Transport({
    clock: systemClock,
    dialer: new Dialer({ clock: systemClock, timeouts, resolver, rules: null }),
    pool: { connectionsPerEndpoint: 2, maxIdle: 2, idleMs: 60_000 },
    bounds: {
      head: { lineBytes: 8192, headBytes: 8192, fields: 100 },
      chunked: { extensionBytes: 1024, trailerBytes: 1024, fields: 100 },
      informational: 10,
    },
  });
  t.after(() => {
    upstream.close();
    resolver.close();
    timeouts.close();
  });
  /** Sends a request to the endpoint that the upstream picks; resolves with its outcome. */
  const call = (): Promise<Outcome> =>
    new Promise((resolve) => {
      const endpoint = upstream.pick(clock.now(), null, { host: 'reviews', port: 80 });
      assert.ok(endpoint);
      upstream.attemptStarted(endpoint);
      const attempt = transport.prepare(endpoint, plainRequest, {
        connected: () => {},
        informational: () => {},
        head: () => {},
        data: () => true,
        flush: () => {},
        switched: () => {},
        end: (outcome) => {
          upstream.attemptSettled(endpoint, outcome, clock.now());
          resolve(outcome);
        },
      });
      attempt.start();
    });
  const labels = (): string => upstream.endpoints.map(({ label }) => label).join(' ');
  server.set('reviews.test', { a: ['127.0.0.1'], ttlSeconds: 5 });
  upstream.start();
  await eventually('the name is resolved', () => labels() === `127.0.0.1:${raw.port}`);
  return { server, clock, raw, upstream, call, labels };
};

test('an address that leaves the set: its idle connection is closed, its attempt in flight goes on', async (t) => {
  const { server, clock, raw, call, labels } = await setUp(t);
  const first = call();
  const second = call();
  await raw.changed.until(() => (raw.exchanges.length === 2 ? true : null));
  const [kept, busy] = raw.exchanges as [(typeof raw.exchanges)[0], (typeof raw.exchanges)[0]];
  kept.write(ANSWER);
  assert.equal((await first).kind, 'success');
  assert.equal(kept.connection.isOver, false);

  server.set('reviews.test', { a: ['127.0.0.2'], ttlSeconds: 5 });
  clock.advance(5000);

  await eventually('the other address is there', () => labels() === `127.0.0.2:${raw.port}`);
  await eventually('the idle connection is closed', () => kept.connection.isOver);
  assert.equal(busy.connection.isOver, false);
  busy.write(ANSWER);
  assert.equal((await second).kind, 'success');
  await eventually('its connection is not kept', () => busy.connection.isOver);
});

test('a name that vanishes leaves nothing to dial, and is in use again with its first address', async (t) => {
  const { server, clock, raw, upstream, call, labels } = await setUp(t);
  const pick = () => upstream.pick(clock.now(), null, { host: 'reviews', port: 80 });
  const lookups = () => upstream.dns(clock.now())!.lookups;
  server.set('reviews.test', 'nxdomain');
  clock.advance(5000);
  await eventually('the first empty answer', () => lookups().empty === 1);
  assert.notEqual(pick(), null);
  clock.advance(1000);
  await eventually('the second one', () => lookups().empty === 2);
  assert.equal(pick(), null);

  server.set('reviews.test', { a: ['127.0.0.1'], ttlSeconds: 5 });
  clock.advance(2000);
  await eventually('it is back', () => labels() === `127.0.0.1:${raw.port}`);
  const outcome = call();
  await raw.changed.until(() => (raw.exchanges.length === 1 ? true : null));
  raw.exchanges[0]!.write(ANSWER);
  assert.equal((await outcome).kind, 'success');
});

test('while the name servers fail the last good address is called', async (t) => {
  const { server, clock, raw, upstream, call } = await setUp(t);
  for (const [entry, result] of [
    ['servfail', 'failed'],
    ['silence', 'timeout'],
  ] as const) {
    server.set('reviews.test', entry);
    clock.advance(5000);
    await eventually(`a lookup ended: ${result}`, () => upstream.dns(0)!.lookups[result] > 0);
  }
  assert.equal(upstream.dns(clock.now())!.isStale, true);
  const outcome = call();
  await raw.changed.until(() => (raw.exchanges.length === 1 ? true : null));
  raw.exchanges[0]!.write(ANSWER);
  assert.equal((await outcome).kind, 'success');
});
