import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { SnapshotEvent, TickEvent } from '../../src/board/stream-events.ts';
import { RetryBudget } from '../../src/policy/budget.ts';
import { upstreamPicture } from '../../src/runtime/admin-view.ts';
import { EventBus } from '../../src/telemetry/bus.ts';
import { Resolver } from '../../src/upstream/resolver.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { settingsOf } from '../config/configuration-text.ts';
import { DnsServer } from '../rig/dns-server.ts';
import { EventValidator } from '../rig/event-schema.ts';
import { type EventSubscriber, subscribe } from '../rig/event-subscriber.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { type Sidecar, startSidecar } from '../rig/sidecar.ts';
import { type RunningAdmin, startAdmin } from './admin-fixture.ts';

const validator = new EventValidator();

const assertValid = ({ events }: EventSubscriber): void => {
  const faults = events.flatMap((event) => validator.faultsOf(event));
  assert.deepEqual(faults, []);
};

const force = async ({ admin }: Sidecar, name: string, body: object): Promise<void> => {
  const response = await fetch(`http://127.0.0.1:${admin.port}/breakers/${name}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Outrigger-Admin': '1' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 200);
};

const ticksOf = ({ events }: EventSubscriber): readonly TickEvent[] =>
  events.filter(({ name }) => name === 'tick').map(({ data }) => JSON.parse(data) as TickEvent);

/** The first tick of which this is true. */
const tickWith = (reader: EventSubscriber, isSo: (tick: TickEvent) => boolean): Promise<TickEvent> =>
  reader.changed.until(() => ticksOf(reader).find(isSo) ?? null);

/** An upstream that fails, one whose endpoint is dead, one whose name is an address, and destinations of the app's own. */
const startShop = async (context: TestContext) => {
  const failing = await startHttpUpstream(context, (_call, response) => response.writeHead(500).end());
  const dead = await startHttpUpstream(context);
  const { address } = dead;
  await dead.stop();
  const sidecar = await startSidecar(context, {
    egress: { unlisted: 'allow', maxUnlisted: 1 },
    defaults: { retry: { attempts: 1 }, breaker: { volume: 5, sleep: '100ms' } },
    upstreams: {
      failing: {
        hosts: ['failing.test'],
        endpoints: [failing.address],
        bulkhead: { concurrency: 'unlimited', queue: 0 },
        routes: [
          { name: 'lists', match: { path: '/lists/*' }, fallback: { on: ['upstream_status'], body: '[]' } },
        ],
      },
      dead: { hosts: ['dead.test'], endpoints: [address, failing.address] },
      address: { dns: '127.0.0.1:9' },
      named: { hosts: ['localhost'] },
    },
  });
  return { failing, sidecar, caller: makeCaller(context, sidecar.egress, 1) };
};

test('whatever happens in a running sidecar is told as the schema says', async (context) => {
  const { failing, sidecar, caller } = await startShop(context);
  const reader = subscribe(context, sidecar.admin.port);
  const { process } = await reader.snapshot();

  for (let i = 0; i < 6; i += 1) await caller.call({ host: 'failing.test' });
  for (let i = 0; i < 6; i += 1) await caller.call({ host: 'failing.test', path: '/lists/1' });
  for (let i = 0; i < 6; i += 1) await caller.call({ host: 'dead.test' });
  await caller.call({ host: `localhost:${failing.port}` });
  await caller.call({ host: `127.0.0.1:${failing.port}` });
  await reader.changed.until(() =>
    reader.incidents.some(({ incident }) => incident.kind === 'endpoints') ? true : null,
  );
  await force(sidecar, 'failing', { force: 'open', ttl: '50ms' });
  await reader.event('override', 2);
  await force(sidecar, 'failing', { force: 'closed', ttl: 'unlimited' });
  const forced = await tickWith(reader, ({ commands }) => commands.some(({ force }) => force === 'closed'));
  await caller.call({ host: `127.0.0.2:${failing.port}` });
  await tickWith(reader, ({ removed }) => removed.includes(`127.0.0.1:${failing.port}`));
  await tickWith(reader, ({ nowMs }) => nowMs >= forced.nowMs + 1000);
  const back = subscribe(context, sidecar.admin.port, { 'Last-Event-ID': `${process.id}-0` });
  const { resumed, history, recent } = await back.snapshot();

  assertValid(reader);
  assertValid(back);
  const told = new Set(reader.events.map(({ name }) => name));
  assert.deepEqual(
    ['snapshot', 'tick', 'transition', 'override', 'endpoint', 'endpoints'].filter((name) => !told.has(name)),
    [],
  );
  assert.ok(Object.keys(history.commands).length > 0);
  assert.equal(resumed?.missed, recent.length);
});

/** A declared name that a name server knows, told of by an admin interface whose clock the test moves. */
const startNamed = async (context: TestContext) => {
  const admin = await startAdmin(context);
  const names = await DnsServer.start(context);
  const { clock, port } = admin;
  const dns = { servers: [names.address], search: [], ndots: 1, timeoutMs: 5000, tries: 1 };
  const resolver = new Resolver({ clock, hostsPath: '/dev/null', dns });
  context.after(() => resolver.close());
  const upstream = new Upstream({
    name: 'reviews',
    source: { kind: 'dns', host: 'reviews.test', port: 80 },
    resolver,
    clock,
    random: () => 0,
    bus: new EventBus([port.incidents]),
  });
  context.after(() => upstream.close());
  const settings = settingsOf('upstreams: { reviews: { dns: "reviews.test:80" } }').upstreams[0]!;
  const budget = new RetryBudget(settings.policy.retry.budget, clock.now());
  port.upstreamPictures = () => [upstreamPicture({ settings, wire: { upstream }, budget }, clock.now())];
  return { admin, names, upstream };
};

/** Lets time pass, tick by tick, until this is so. */
const passTime = async (admin: RunningAdmin, reader: EventSubscriber, isSo: () => boolean): Promise<void> => {
  while (!isSo()) {
    const tick = reader.event('tick', ticksOf(reader).length + 1);
    admin.clock.advance(1000);
    await tick;
  }
};

test('a name that fails and recovers, and a configuration that is read again, are told as the schema says', async (context) => {
  const { admin, names, upstream } = await startNamed(context);
  const reader = subscribe(context, admin.tcpPort);
  await reader.snapshot();
  const discoveries = (): number =>
    reader.incidents.filter(({ incident }) => incident.kind === 'discovery').length;

  names.set('reviews.test', { a: ['10.0.0.1', '10.0.0.2'], ttlSeconds: 1 });
  upstream.start();
  await reader.event('endpoints');
  names.set('reviews.test', 'servfail');
  await passTime(admin, reader, () =>
    ticksOf(reader).some(({ upstreams }) => upstreams.some(({ dns }) => dns?.stale === true)),
  );
  names.set('reviews.test', { a: ['10.0.0.2'], ttlSeconds: 1 });
  await passTime(admin, reader, () => discoveries() === 2);
  const bus = new EventBus([admin.port.incidents]);
  bus.configReloaded({
    result: 'failed',
    why: 'outrigger.yaml:3:1: unknown key',
    at: admin.clock.wallTime(),
  });
  bus.configReloaded({ result: 'succeeded', why: '1 upstream changed', at: admin.clock.wallTime() });
  await reader.event('reload', 2);

  assertValid(reader);
  assert.deepEqual(
    reader.incidents.map(({ incident }) => incident.kind),
    ['endpoints', 'discovery', 'endpoints', 'discovery', 'reload', 'reload'],
  );
});

test('the schema takes nothing else for an event', async (context) => {
  const admin = await startAdmin(context);
  const reader = subscribe(context, admin.tcpPort);
  const snapshot = await reader.snapshot();
  const isValid = (changes: Partial<Record<keyof SnapshotEvent | 'extra', unknown>>): boolean =>
    validator.faultsOf({ name: 'snapshot', data: JSON.stringify({ ...snapshot, ...changes }) }).length === 0;

  assert.ok(isValid({}));
  assert.ok(!isValid({ extra: 1 }));
  assert.ok(!isValid({ resumed: undefined }));
  assert.ok(!isValid({ nowMs: '1' }));
  assert.ok(!isValid({ commands: [{ name: 'a' }] }));
  assert.notDeepEqual(validator.faultsOf({ name: 'reload', data: '{"kind":"transition"}' }), []);
  assert.notDeepEqual(validator.faultsOf({ name: 'message', data: '{}' }), []);
});
