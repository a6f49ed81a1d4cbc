import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../src/policy/outcome.ts';
import { EventBus } from '../../src/telemetry/bus.ts';
import type { DiscoveryChange, EndpointSetChange } from '../../src/telemetry/events.ts';
import type { ResolvedAddress, ResolveObserver } from '../../src/upstream/lookup.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const absent = failure('dns_error', true, 'NXDOMAIN');
const broken = failure('dns_error', true, 'SERVFAIL');
const silent = failure('dns_timeout', true, 'ETIMEOUT');

const resolvedAs = (host: string): ResolvedAddress => ({ host, family: host.includes(':') ? 6 : 4 });

/** An upstream with a declared name, and name servers that answer when the test says so. */
const setUp = (random: () => number = () => 0) => {
  const clock = new VirtualClock();
  const changes: EndpointSetChange[] = [];
  const troubles: DiscoveryChange[] = [];
  let observer: ResolveObserver | null = null;
  let asked = 0;
  let cancelled = 0;
  const upstream = new Upstream({
    name: 'reviews',
    source: { kind: 'dns', host: 'reviews.test', port: 9080 },
    clock,
    random,
    resolver: {
      resolve: (name, port, theirs, patience) => {
        assert.deepEqual([name, port, patience, observer], ['reviews.test', 9080, 'thorough', null]);
        asked += 1;
        observer = theirs;
        return {
          cancel: () => {
            cancelled += 1;
          },
        };
      },
    },
    bus: new EventBus([
      { endpointSetChanged: (change) => changes.push(change) },
      { discoveryChanged: (change) => troubles.push(change) },
    ]),
  });
  const takeObserver = (): ResolveObserver => {
    assert.ok(observer, 'nothing was asked');
    const theirs = observer;
    observer = null;
    return theirs;
  };
  return {
    clock,
    upstream,
    changes,
    troubles,
    asked: () => asked,
    cancelled: () => cancelled,
    answer: (hosts: readonly string[], ttlMs = 5000) => takeObserver().resolved(hosts.map(resolvedAs), ttlMs),
    answerWithPorts: (addresses: readonly ResolvedAddress[]) => takeObserver().resolved(addresses, 5000),
    fail: (fault: typeof absent) => takeObserver().failed(fault),
    labels: () => upstream.endpoints.map(({ label }) => label).sort(),
    pick: () => upstream.pick(clock.now(), null, { host: '', port: 0 }),
  };
};

test('until the first good answer the name itself is the endpoint', () => {
  const { upstream, pick, fail, answer, clock, labels } = setUp();
  assert.deepEqual(pick()!.address, { kind: 'name', host: 'reviews.test', port: 9080 });
  upstream.start();
  assert.equal(upstream.dnsTried, false);
  fail(silent);
  assert.equal(upstream.dnsTried, true);
  assert.deepEqual(labels(), ['reviews.test:9080']);
  clock.advance(1000);
  answer(['10.0.0.1', 'fd00::1']);
  assert.deepEqual(labels(), ['10.0.0.1:9080', '[fd00::1]:9080']);
});

test('an address that stays keeps its endpoint; one that goes is retired', () => {
  const { upstream, answer, clock, changes, labels } = setUp();
  upstream.start();
  answer(['10.0.0.1', '10.0.0.2']);
  const [staying, leaving] = upstream.endpoints;
  let closed = 0;
  leaving!.connections = {
    close: () => {
      closed += 1;
    },
  };
  staying!.inFlight = 3;
  changes.length = 0;
  clock.advance(5000);
  answer(['10.0.0.3', '10.0.0.1', '10.0.0.3']);
  assert.deepEqual(labels(), ['10.0.0.1:9080', '10.0.0.3:9080']);
  assert.ok(upstream.endpoints.includes(staying!));
  assert.deepEqual([staying!.isRemoved, leaving!.isRemoved, closed], [false, true, 1]);
  assert.deepEqual(
    changes.map(({ added, removed, size, why }) => ({ added, removed, size, why })),
    [{ added: ['10.0.0.3:9080'], removed: ['10.0.0.2:9080'], size: 2, why: 'resolved' }],
  );
});

test('an answer that says the same changes nothing', () => {
  const { upstream, answer, clock, changes } = setUp();
  upstream.start();
  answer(['10.0.0.1', '10.0.0.2']);
  const before = upstream.endpoints;
  changes.length = 0;
  clock.advance(5000);
  answer(['10.0.0.2', '10.0.0.1']);
  assert.equal(upstream.endpoints, before);
  assert.deepEqual(changes, []);
});

const waits = [
  ['as long as it lives', 5000, () => 0, 5000],
  ['not before a second', 10, () => 0, 1000],
  ['after 30 s at the latest', 86_400_000, () => 0, 30_000],
  ['up to a tenth later, by chance', 10_000, () => 0.5, 10_500],
] as const;

for (const [what, ttlMs, random, waitMs] of waits) {
  test(`an answer is renewed ${what}`, () => {
    const { upstream, answer, clock, asked } = setUp(random);
    upstream.start();
    answer(['10.0.0.1'], ttlMs);
    clock.advance(waitMs - 1);
    assert.equal(asked(), 1);
    clock.advance(1);
    assert.equal(asked(), 2);
  });
}

test('while there is no good answer it is asked for after 1, 2, 4 and then every 5 s', () => {
  const { upstream, fail, clock, asked } = setUp();
  upstream.start();
  for (const waitMs of [1000, 2000, 4000, 5000, 5000]) {
    fail(broken);
    const before = asked();
    clock.advance(waitMs - 1);
    assert.equal(asked(), before);
    clock.advance(1);
    assert.equal(asked(), before + 1);
  }
});

test('one answer without addresses changes nothing, the second in a row empties the set', () => {
  const { upstream, answer, fail, clock, labels, pick } = setUp();
  upstream.start();
  answer(['10.0.0.1']);
  clock.advance(5000);
  fail(absent);
  assert.deepEqual(labels(), ['10.0.0.1:9080']);
  clock.advance(1000);
  fail(absent);
  assert.deepEqual(labels(), []);
  assert.equal(pick(), null);
  clock.advance(2000);
  answer(['10.0.0.2']);
  assert.deepEqual(labels(), ['10.0.0.2:9080']);
});

test('a good answer in between begins the count of empty ones anew', () => {
  const { upstream, answer, fail, clock, labels } = setUp();
  upstream.start();
  answer(['10.0.0.1']);
  for (let round = 0; round < 3; round += 1) {
    clock.advance(5000);
    fail(absent);
    assert.deepEqual(labels(), ['10.0.0.1:9080']);
    clock.advance(1000);
    answer(['10.0.0.1']);
  }
});

test('a name that never existed ends up without endpoints', () => {
  const { upstream, fail, clock, pick } = setUp();
  upstream.start();
  fail(absent);
  clock.advance(1000);
  fail(absent);
  assert.equal(pick(), null);
});

for (const fault of [broken, silent]) {
  test(`while the name servers fail (${fault.detail}) the last good addresses stay, for 5 minutes`, () => {
    const { upstream, answer, fail, clock, labels, changes } = setUp();
    upstream.start();
    answer(['10.0.0.1']);
    const until = clock.now() + 300_000;
    clock.advance(5000);
    fail(fault);
    while (clock.now() + 5000 < until) {
      clock.advance(5000);
      if (clock.pendingTimers === 0) fail(fault);
      assert.deepEqual(labels(), ['10.0.0.1:9080']);
    }
    while (clock.now() < until + 5000) {
      clock.advance(5000);
      if (clock.pendingTimers === 0) fail(fault);
    }
    assert.deepEqual(labels(), []);
    assert.equal(changes.at(-1)!.why, `no answer for 5 minutes: ${fault.detail}`);
  });
}

test('two hundred addresses that change at once are one event, and none of the old ones is left', () => {
  const { upstream, answer, clock, changes, labels } = setUp();
  upstream.start();
  answer(Array.from({ length: 200 }, (_, index) => `10.0.0.${index}`));
  clock.advance(5000);
  answer(Array.from({ length: 200 }, (_, index) => `10.0.1.${index}`));
  assert.deepEqual(
    changes.map(({ added, removed, size }) => [added.length, removed.length, size]),
    [
      [200, 1, 200],
      [200, 200, 200],
    ],
  );
  assert.ok(labels().every((label) => label.startsWith('10.0.1.')));
});

test('an address that the records give two ports is two endpoints', () => {
  const { upstream, answerWithPorts, labels } = setUp();
  upstream.start();
  answerWithPorts([
    { host: '10.0.0.1', family: 4, port: 80 },
    { host: '10.0.0.1', family: 4, port: 81 },
  ]);
  assert.deepEqual(labels(), ['10.0.0.1:80', '10.0.0.1:81']);
});

test('a set that had vanished is in use again with the first answer that has addresses', () => {
  const { upstream, answer, fail, clock, pick, changes } = setUp();
  upstream.start();
  answer(['10.0.0.1']);
  for (const waitMs of [5000, 1000]) {
    clock.advance(waitMs);
    fail(absent);
  }
  assert.equal(pick(), null);
  assert.equal(changes.at(-1)!.why, 'no addresses: NXDOMAIN');
  clock.advance(2000);
  answer(['10.0.0.1']);
  assert.equal(pick()!.label, '10.0.0.1:9080');
});

test('listeners hear when a name can no longer be resolved and when it can be again, and nothing in between', () => {
  const { upstream, answer, fail, clock, troubles } = setUp();
  upstream.start();
  answer(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
  clock.advance(5000);
  fail(broken);
  for (const waitMs of [1000, 2000, 4000]) {
    clock.advance(waitMs);
    fail(silent);
  }
  clock.advance(5000);
  answer(['10.0.0.1']);
  clock.advance(5000);
  fail(broken);
  assert.deepEqual(
    troubles.map(({ upstream: name, host, change, why }) => `${name} ${host} ${change}: ${why}`),
    [
      'reviews reviews.test failing: SERVFAIL, keeping 3 addresses that are 5.0 s old',
      'reviews reviews.test recovered: resolved again after 12.0 s',
      'reviews reviews.test failing: SERVFAIL, keeping 1 address that is 5.0 s old',
    ],
  );
});

test('a name that was never resolved says so', () => {
  const { upstream, fail, troubles } = setUp();
  upstream.start();
  fail(silent);
  assert.equal(troubles[0]!.why, 'ETIMEOUT, and it has never been resolved');
});

test('what is known of a name can be seen: how old it is, whether it is stale, and what failed last', () => {
  const { upstream, answer, fail, clock } = setUp();
  const status = () => {
    const { resolvedAgoMs, isStale, lastFailure } = upstream.dns(clock.now())!;
    return [resolvedAgoMs, isStale, lastFailure];
  };
  upstream.start();
  assert.deepEqual(status(), [-1, false, null]);
  answer(['10.0.0.1']);
  clock.advance(5000);
  fail(broken);
  clock.advance(500);
  assert.deepEqual(status(), [5500, true, { detail: 'SERVFAIL', agoMs: 500 }]);
  clock.advance(500);
  answer(['10.0.0.1']);
  assert.deepEqual(status(), [0, false, { detail: 'SERVFAIL', agoMs: 1000 }]);
});

test('every lookup is counted once, by how it ended', () => {
  const { upstream, answer, fail, clock } = setUp();
  upstream.start();
  answer(['10.0.0.1']);
  for (const fault of [absent, broken, broken, silent]) {
    clock.advance(5500);
    fail(fault);
  }
  assert.deepEqual(upstream.dns(0)!.lookups, { answered: 1, empty: 1, failed: 2, timeout: 1 });
});

test('after closing nothing is asked and no timer is left', () => {
  const waiting = setUp();
  waiting.upstream.start();
  waiting.answer(['10.0.0.1']);
  waiting.upstream.close();
  assert.equal(waiting.clock.pendingTimers, 0);

  const asking = setUp();
  asking.upstream.start();
  asking.upstream.close();
  assert.equal(asking.cancelled(), 1);
});
