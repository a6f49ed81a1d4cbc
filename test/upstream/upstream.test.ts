import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  clientGone,
  failure,
  failureStatus,
  type Outcome,
  rejected,
  success,
} from '../../src/policy/outcome.ts';
import { EventBus } from '../../src/telemetry/bus.ts';
import type { EndpointChange } from '../../src/telemetry/events.ts';
import type { Endpoint } from '../../src/upstream/endpoint.ts';
import { connectFault } from '../../src/upstream/faults.ts';
import type { Address, EndpointSource } from '../../src/upstream/sources.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { seededRandom } from '../rig/seeded-random.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const nobody = { host: 'reviews', port: 80 };

const addresses = (count: number): Address[] =>
  Array.from({ length: count }, (_, index) => ({ kind: 'ip', host: `10.0.0.${index + 1}`, port: 80 }));

const setUp = (source: EndpointSource, random = seededRandom(5)) => {
  const clock = new VirtualClock();
  const changes: EndpointChange[] = [];
  const sets: { readonly added: readonly string[]; readonly removed: readonly string[] }[] = [];
  const upstream = new Upstream({
    name: 'reviews',
    source,
    clock,
    random,
    resolver: { resolve: () => assert.fail('nothing is to be resolved here') },
    bus: new EventBus([
      { endpointChanged: (change) => changes.push(change) },
      { endpointSetChanged: ({ added, removed }) => sets.push({ added, removed }) },
    ]),
  });
  upstream.start();
  const pick = (avoid: Endpoint | null = null): Endpoint => {
    const endpoint = upstream.pick(clock.now(), avoid, nobody);
    assert.ok(endpoint);
    return endpoint;
  };
  const settle = (endpoint: Endpoint, outcome: Outcome): void =>
    upstream.attemptSettled(endpoint, outcome, clock.now());
  /** A whole attempt in no time. */
  const attempt = (endpoint: Endpoint, outcome: Outcome): void => {
    upstream.attemptStarted(endpoint);
    settle(endpoint, outcome);
  };
  const log = (): string[] => changes.map(({ change, endpoint }) => `${change} ${endpoint}`);
  return { clock, upstream, changes, sets, pick, settle, attempt, log };
};

/** An upstream of `count` fixed endpoints, without jitter. */
const fixed = (count: number, random: () => number = () => 0) => {
  const rig = setUp({ kind: 'static', addresses: addresses(count) }, random);
  return { ...rig, endpoints: rig.upstream.endpoints };
};

const refused = failure('connect_refused', true, 'ECONNREFUSED');

test('a fixed set is there from the beginning and waits for no DNS', () => {
  const { upstream, changes } = fixed(2);
  assert.deepEqual(
    upstream.endpoints.map(({ label }) => label),
    ['10.0.0.1:80', '10.0.0.2:80'],
  );
  assert.equal(upstream.dnsTried, true);
  assert.deepEqual(changes, []);
});

test('attempts in flight are counted from start to verdict, whatever the verdict', () => {
  const { upstream, endpoints, settle } = fixed(1);
  const endpoint = endpoints[0]!;
  const outcomes = [success(200), refused, failureStatus(500, -1), rejected('no_endpoint'), clientGone];
  for (const _ of outcomes) upstream.attemptStarted(endpoint);
  assert.equal(endpoint.inFlight, 5);
  for (const outcome of outcomes) settle(endpoint, outcome);
  assert.equal(endpoint.inFlight, 0);
});

const blamed = [
  'connect_refused',
  'connect_failed',
  'connect_timeout',
  'tls_certificate_error',
  'tls_protocol_error',
  'tls_alert_received',
  'reset',
] as const;

for (const reason of blamed) {
  test(`an endpoint whose attempt ended in ${reason} is passed over for a second`, () => {
    const { clock, endpoints, attempt, pick } = fixed(2);
    const [dead, alive] = endpoints;
    alive!.inFlight = 10;
    attempt(dead!, failure(reason, true));
    assert.equal(pick(), alive);
    clock.advance(999);
    assert.equal(pick(), alive);
    clock.advance(1);
    assert.equal(pick(), dead);
  });
}

const harmless: readonly Outcome[] = [
  failure('dns_error', true),
  failure('dns_timeout', true),
  failure('prohibited_address', true),
  failure('attempt_timeout', false),
  failure('total_timeout', false),
  failure('protocol_error', false),
  failureStatus(503, -1),
  rejected('circuit_open'),
  rejected('pool_exhausted'),
  clientGone,
  success(200),
];

test('an endpoint that breaks off in the middle of its answer is passed over too', () => {
  const { clock, upstream, endpoints, attempt, pick } = fixed(2);
  const [breaking, sound] = endpoints as readonly [Endpoint, Endpoint];
  sound.inFlight = 10;
  attempt(breaking, success(200));
  assert.equal(pick(), breaking);

  upstream.bodyFailed(breaking, failure('response_incomplete', false), clock.now());

  assert.equal(pick(), sound);
  clock.advance(1000);
  assert.equal(pick(), breaking);
});

test('an IPv6 endpoint where there is no route costs one attempt, and the others go elsewhere', () => {
  const { upstream, pick, attempt, clock } = setUp({
    kind: 'static',
    addresses: [
      { kind: 'ip', host: 'fd00::1', port: 80 },
      { kind: 'ip', host: '10.0.0.1', port: 80 },
    ],
  });
  const [unreachable, reachable] = upstream.endpoints as readonly [Endpoint, Endpoint];
  attempt(unreachable, connectFault(Object.assign(new Error(), { code: 'ENETUNREACH' })));
  for (let index = 0; index < 50; index += 1) {
    assert.equal(pick(), reachable);
    attempt(reachable, success(200));
    clock.advance(10);
  }
});

test('nothing else passes an endpoint over', () => {
  const { clock, endpoints, attempt, pick, changes } = fixed(2);
  endpoints[1]!.inFlight = 10;
  for (const outcome of harmless) {
    attempt(endpoints[0]!, outcome);
    clock.advance(1);
    assert.equal(pick(), endpoints[0], `${outcome.kind} ${'reason' in outcome ? outcome.reason : ''}`);
  }
  assert.deepEqual(changes, []);
});

test('each trial that fails doubles the time, up to 30 s', () => {
  const { clock, endpoints, attempt } = fixed(2);
  const dead = endpoints[0]!;
  const times: number[] = [];
  for (let trial = 0; trial < 8; trial += 1) {
    attempt(dead, refused);
    times.push(dead.passedOverUntil - clock.now());
    clock.advance(dead.passedOverUntil - clock.now());
  }
  assert.deepEqual(times, [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
});

test('chance takes up to a quarter off the time', () => {
  const { clock, endpoints, attempt } = fixed(2, () => 0.999_999);
  attempt(endpoints[0]!, refused);
  assert.equal(Math.round(endpoints[0]!.passedOverUntil - clock.now()), 750);
});

test('many failures of one outage count as one: the time does not double with each', () => {
  const { clock, endpoints, settle, upstream } = fixed(2);
  const dead = endpoints[0]!;
  for (let index = 0; index < 20; index += 1) upstream.attemptStarted(dead);
  for (let index = 0; index < 20; index += 1) settle(dead, refused);
  assert.equal(dead.passedOverUntil - clock.now(), 1000);
  assert.equal(dead.consecutiveFailures, 20);
});

test('when its time is over one attempt is the trial, and the others go elsewhere until it is settled', () => {
  const { clock, endpoints, attempt, pick, upstream, settle } = fixed(2);
  const [returning, alive] = endpoints;
  attempt(returning!, refused);
  alive!.inFlight = 10;
  clock.advance(1000);
  const trial = pick();
  assert.equal(trial, returning);
  upstream.attemptStarted(trial);
  assert.equal(pick(), alive);
  clock.advance(60_000);
  assert.equal(pick(), alive);
  settle(trial, success(200));
  assert.equal(pick(), returning);
  upstream.attemptStarted(returning!);
  assert.equal(pick(), returning);
});

test('a trial whose client left proves nothing: the next attempt is one again', () => {
  const { clock, endpoints, attempt, pick, upstream, settle } = fixed(2);
  const [returning, alive] = endpoints;
  attempt(returning!, refused);
  alive!.inFlight = 10;
  clock.advance(1000);
  upstream.attemptStarted(returning!);
  settle(returning!, clientGone);
  assert.equal(pick(), returning);
  upstream.attemptStarted(returning!);
  assert.equal(pick(), alive);
});

test('attempts from before the failure do not keep an endpoint from its trial', () => {
  const { clock, endpoints, attempt, pick, upstream } = fixed(2);
  const [returning, alive] = endpoints;
  upstream.attemptStarted(returning!);
  attempt(returning!, refused);
  alive!.inFlight = 10;
  clock.advance(1000);
  assert.equal(pick(), returning);
});

for (const outcome of [success(200), success(404), failureStatus(503, -1)]) {
  test(`an answer with status ${outcome.status} makes an endpoint as good as new`, () => {
    const { clock, endpoints, attempt } = fixed(2);
    const endpoint = endpoints[0]!;
    attempt(endpoint, refused);
    clock.advance(1000);
    attempt(endpoint, refused);
    clock.advance(2000);
    attempt(endpoint, outcome);
    assert.deepEqual([endpoint.consecutiveFailures, endpoint.passedOverUntil], [0, 0]);
    attempt(endpoint, refused);
    assert.equal(endpoint.passedOverUntil - clock.now(), 1000);
  });
}

test('listeners hear when an endpoint is passed over and when it is back, once each, and why', () => {
  const { clock, endpoints, attempt, changes, log } = fixed(2);
  attempt(endpoints[0]!, refused);
  attempt(endpoints[0]!, refused);
  clock.advance(1000);
  attempt(endpoints[0]!, success(200));
  attempt(endpoints[0]!, success(200));
  assert.deepEqual(log(), ['passed_over 10.0.0.1:80', 'available 10.0.0.1:80']);
  assert.equal(changes[0]!.why, 'connect_refused (ECONNREFUSED), for 1.0 s');
  assert.equal(changes[0]!.upstream, 'reviews');
  assert.equal(changes[1]!.at, clock.wallTime());
});

test('a dead endpoint costs few attempts, comes back, and takes its share', () => {
  const { clock, upstream, endpoints, pick, settle } = fixed(2, seededRandom(11));
  const counts = new Map<Endpoint, number>();
  let isDead = true;
  /** 100 attempts a second, each 20 ms long where the endpoint lives. */
  const run = (seconds: number): void => {
    counts.clear();
    for (let index = 0; index < seconds * 100; index += 1) {
      const endpoint = pick();
      counts.set(endpoint, (counts.get(endpoint) ?? 0) + 1);
      upstream.attemptStarted(endpoint);
      if (isDead && endpoint === endpoints[0]) settle(endpoint, refused);
      else clock.after(20, () => settle(endpoint, success(200)));
      clock.advance(10);
    }
  };
  run(60);
  assert.ok(counts.get(endpoints[0]!)! <= 8, `${counts.get(endpoints[0]!)} attempts on the dead one`);
  isDead = false;
  run(30);
  run(30);
  const share = counts.get(endpoints[0]!)! / 3000;
  assert.ok(share > 0.4 && share < 0.6, `${share}`);
});

test('when all are dead the first that answers gets everything until another does', () => {
  const { endpoints, attempt, pick, upstream } = fixed(3, seededRandom(2));
  for (const endpoint of endpoints) attempt(endpoint, refused);
  const picked = new Set<Endpoint>();
  for (let index = 0; index < 100; index += 1) picked.add(pick());
  assert.equal(picked.size, 3);
  attempt(endpoints[2]!, success(200));
  for (let index = 0; index < 20; index += 1) {
    assert.equal(pick(), endpoints[2]);
    upstream.attemptStarted(endpoints[2]!);
  }
});

test('closing closes what the endpoints keep, and exchanges that began before still find them', () => {
  const { upstream, endpoints, clock } = fixed(2);
  let closed = 0;
  endpoints[0]!.connections = { close: () => (closed += 1) };
  upstream.close();
  assert.equal(closed, 1);
  assert.ok(endpoints.every(({ isRemoved }) => isRemoved));
  assert.ok(endpoints.includes(upstream.pick(clock.now(), null, nobody)!));
});

test('what an exchange names when its upstream is closed already is an endpoint that keeps nothing', () => {
  const { pick, upstream } = setUp({ kind: 'named' });
  upstream.close();
  assert.equal(pick().isRemoved, true);
});

test('what the app named becomes an endpoint of its own, found again by any spelling', () => {
  const { upstream, sets } = setUp({ kind: 'named' });
  const get = (host: string, port: number) => upstream.pick(0, null, { host, port });
  const byName = get('Reviews.test', 80)!;
  assert.deepEqual(byName.address, { kind: 'name', host: 'reviews.test', port: 80 });
  assert.equal(get('reviews.test', 80), byName);
  const byAddress = get('FD00:0::1', 80)!;
  assert.deepEqual(byAddress.address, { kind: 'ip', host: 'fd00::1', port: 80 });
  assert.notEqual(get('reviews.test', 81), byName);
  assert.equal(get('Reviews.test', 80), byName);
  assert.deepEqual(
    sets.map(({ added }) => added.join()),
    ['reviews.test:80', '[fd00::1]:80', 'reviews.test:81'],
  );
  assert.equal(upstream.endpoints.length, 3);
});

test('of more than 64 named endpoints the one that was idle for longest goes', () => {
  const { upstream, sets } = setUp({ kind: 'named' });
  const get = (port: number) => upstream.pick(0, null, { host: 'reviews.test', port });
  const endpoints = Array.from({ length: 64 }, (_, index) => get(index + 1)!);
  let closed = 0;
  endpoints[1]!.connections = { close: () => (closed += 1) };
  upstream.attemptStarted(endpoints[0]!);
  get(1);
  get(3);
  assert.ok(get(65));
  assert.equal(upstream.endpoints.length, 64);
  assert.deepEqual(sets.at(-2)!.removed, ['reviews.test:2']);
  assert.deepEqual([endpoints[1]!.isRemoved, closed], [true, 1]);
  assert.equal(get(1), endpoints[0]);
  assert.equal(get(3), endpoints[2]);
});

test('named endpoints with attempts in flight are never dropped: there is no room then', () => {
  const { upstream, settle } = setUp({ kind: 'named' });
  const get = (port: number) => upstream.pick(0, null, { host: 'reviews.test', port });
  for (let port = 1; port <= 64; port += 1) upstream.attemptStarted(get(port)!);
  assert.equal(get(65), null);
  settle(get(7)!, success(200));
  assert.equal(get(65)!.label, 'reviews.test:65');
});

test('a named endpoint that made room is not found again', () => {
  const { upstream } = setUp({ kind: 'named' });
  const get = (port: number) => upstream.pick(0, null, { host: 'reviews.test', port })!;
  for (let port = 1; port < 64; port += 1) upstream.attemptStarted(get(port));
  const dropped = get(64);
  upstream.attemptStarted(get(65));
  assert.equal(dropped.isRemoved, true);
  assert.equal(upstream.pick(0, null, { host: 'reviews.test', port: 64 }), null);
});

test('localhost as a declared name stays one endpoint and is resolved when it is dialled', () => {
  const { upstream, pick } = setUp({ kind: 'dns', host: 'LocalHost', port: 80 });
  assert.equal(upstream.dnsTried, true);
  assert.deepEqual(pick().address, { kind: 'name', host: 'LocalHost', port: 80 });
});
