import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../src/policy/outcome.ts';
import type { EndpointChange } from '../../src/telemetry/events.ts';
import type { ResolveObserver } from '../../src/upstream/resolver.ts';
import { Upstream } from '../../src/upstream/upstream.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const absent = failure('dns_error', true, 'NXDOMAIN');
const broken = failure('dns_error', true, 'SERVFAIL');
const silent = failure('dns_timeout', true, 'ETIMEOUT');

/** An upstream with a declared name, and name servers that answer when the test says so. */
const setUp = (random: () => number = () => 0) => {
  const clock = new VirtualClock();
  const changes: EndpointChange[] = [];
  let observer: ResolveObserver | null = null;
  let asked = 0;
  let cancelled = 0;
  const upstream = new Upstream({
    name: 'reviews',
    source: { kind: 'dns', host: 'reviews.test', port: 9080 },
    clock,
    random,
    resolver: {
      resolve: (name, port, theirs) => {
        assert.deepEqual([name, port, observer], ['reviews.test', 9080, null]);
        asked += 1;
        observer = theirs;
        return {
          cancel: () => {
            cancelled += 1;
          },
        };
      },
    },
    onChange: (change) => changes.push(change),
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
    asked: () => asked,
    cancelled: () => cancelled,
    answer: (hosts: readonly string[], ttlMs = 5000) =>
      takeObserver().resolved(
        hosts.map((host) => ({ host, family: host.includes(':') ? 6 : 4 })),
        ttlMs,
      ),
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
  const seen = changes.map(({ change, endpoint }) => `${change} ${endpoint}`);
  assert.deepEqual(seen, ['removed 10.0.0.2:9080', 'added 10.0.0.3:9080']);
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

test('after closing nothing is asked and no timer is left', () => {
  const waiting = setUp();
  waiting.upstream.start();
  waiting.answer(['10.0.0.1']);
  waiting.upstream.close();
  assert.equal(waiting.clock.pendingTimers, 0);
  assert.equal(waiting.pick(), null);

  const asking = setUp();
  asking.upstream.start();
  asking.upstream.close();
  assert.equal(asking.cancelled(), 1);
});
