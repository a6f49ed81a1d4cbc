import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pickEndpoint } from '../../src/upstream/balancer.ts';
import { Endpoint } from '../../src/upstream/endpoint.ts';
import { seededRandom } from '../rig/seeded-random.ts';

const endpointsOf = (count: number): Endpoint[] =>
  Array.from(
    { length: count },
    (_, index) => new Endpoint({ kind: 'ip', host: `10.0.0.${index}`, port: 80 }),
  );

const now = 1000;

const passOver = (endpoint: Endpoint): void => {
  endpoint.consecutiveFailures = 1;
  endpoint.passedOverUntil = now + 1;
};

/** How often each endpoint is picked when nothing is ever in flight. */
const shares = (endpoints: readonly Endpoint[], picks: number, avoid: Endpoint | null = null): number[] => {
  const random = seededRandom(7);
  const counts = new Map<Endpoint | null, number>();
  for (let pick = 0; pick < picks; pick += 1) {
    const picked = pickEndpoint(endpoints, now, avoid, random);
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
  }
  return endpoints.map((endpoint) => counts.get(endpoint) ?? 0);
};

test('an empty set has no endpoint to offer', () => {
  assert.equal(pickEndpoint([], now, null, seededRandom(1)), null);
});

test('the only endpoint is picked whatever is known of it', () => {
  const [only] = endpointsOf(1);
  passOver(only!);
  assert.equal(pickEndpoint([only!], now, only!, seededRandom(1)), only);
});

test('of two the one with less in flight is always picked', () => {
  const [busy, idle] = endpointsOf(2);
  busy!.inFlight = 3;
  idle!.inFlight = 2;
  assert.deepEqual(shares([busy!, idle!], 100), [0, 100]);
});

test('the most loaded of many is never picked, and every other one is', () => {
  const endpoints = endpointsOf(5);
  endpoints.forEach((endpoint, index) => {
    endpoint.inFlight = index;
  });
  const counts = shares(endpoints, 2000);
  assert.equal(counts[4], 0);
  for (const count of counts.slice(0, 4)) assert.ok(count > 0);
  // The less in flight, the larger the share: two of five at random, the better one wins (40, 30, 20, 10 percent).
  assert.deepEqual(
    [...counts].sort((one, other) => other - one),
    counts,
  );
});

test('equal endpoints get equal shares', () => {
  for (const count of shares(endpointsOf(4), 8000)) assert.ok(count > 1800 && count < 2200, `${count}`);
});

test('slow endpoints get fewer attempts because theirs stay in flight', () => {
  const [fast, slow] = endpointsOf(2);
  const random = seededRandom(3);
  const running: { endpoint: Endpoint; endsAt: number }[] = [];
  const counts = new Map<Endpoint, number>();
  for (let tick = 0; tick < 5000; tick += 1) {
    for (const attempt of running.filter(({ endsAt }) => endsAt === tick)) attempt.endpoint.inFlight -= 1;
    const picked = pickEndpoint([fast!, slow!], now, null, random)!;
    picked.inFlight += 1;
    counts.set(picked, (counts.get(picked) ?? 0) + 1);
    running.push({ endpoint: picked, endsAt: tick + (picked === fast ? 2 : 20) });
  }
  assert.ok(counts.get(fast!)! > 4 * counts.get(slow!)!, `${counts.get(fast!)} and ${counts.get(slow!)}`);
});

test('an endpoint that is passed over gets nothing while another is available, however loaded', () => {
  const [dead, alive, other] = endpointsOf(3);
  passOver(dead!);
  alive!.inFlight = 100;
  other!.inFlight = 200;
  assert.equal(shares([dead!, alive!, other!], 200)[0], 0);
  assert.deepEqual(shares([dead!, alive!], 10), [0, 10]);
});

test('an endpoint is available again at the end of its time, not before', () => {
  const [returning, alive] = endpointsOf(2);
  alive!.inFlight = 1;
  returning!.passedOverUntil = now;
  assert.deepEqual(shares([returning!, alive!], 10), [10, 0]);
  returning!.passedOverUntil = now + 0.001;
  assert.deepEqual(shares([returning!, alive!], 10), [0, 10]);
});

test('while its trial runs an endpoint gets no second attempt', () => {
  const [onTrial, alive] = endpointsOf(2);
  onTrial!.isOnTrial = true;
  alive!.inFlight = 5;
  assert.deepEqual(shares([onTrial!, alive!], 10), [0, 10]);
});

test('the endpoint of the attempt before is avoided while another is available', () => {
  const [failed, other, dead] = endpointsOf(3);
  other!.inFlight = 50;
  passOver(dead!);
  assert.deepEqual(shares([failed!, other!, dead!], 20, failed!), [0, 20, 0]);
  assert.deepEqual(shares([failed!, dead!], 20, failed!), [20, 0]);
});

test('an avoided endpoint that has left the set is never picked', () => {
  const [gone, dead] = endpointsOf(2);
  passOver(dead!);
  assert.deepEqual(shares([dead!], 5, gone!), [5]);
  const [one, two] = endpointsOf(2);
  passOver(one!);
  passOver(two!);
  assert.equal(
    shares([one!, two!], 20, gone!).reduce((sum, count) => sum + count),
    20,
  );
});

test('when all are passed over every one of them is tried, also one that others have in flight', () => {
  const endpoints = endpointsOf(3);
  for (const endpoint of endpoints) passOver(endpoint);
  endpoints[0]!.inFlight = 10;
  for (const count of shares(endpoints, 3000)) assert.ok(count > 850 && count < 1150, `${count}`);
  assert.equal(shares(endpoints, 300, endpoints[1]!)[1], 0);
});
