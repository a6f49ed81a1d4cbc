import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fallback } from '../../src/policy/fallback.ts';
import { failure } from '../../src/policy/outcome.ts';
import { type FakeClient, nothing, Pipeline } from '../rig/pipeline.ts';
import type { ConfigText } from '../rig/sidecar.ts';

/** A pipeline whose fallback has so many places. */
const withFallback = (concurrency: number, more: ConfigText = {}): Pipeline =>
  new Pipeline({
    breaker: { force: 'closed' },
    retry: { attempts: 1 },
    fallback: { on: ['reset', 'upstream_status'], body: 'instead', concurrency, ...more },
  });

const placesInUse = ({ plan }: Pipeline): number => {
  assert.ok(plan.fallback instanceof Fallback);
  return plan.fallback.inUse;
};

/** A request whose upstream breaks the connection. `isReading`: whether its client takes what it is sent. */
const failedRequest = (pipeline: Pipeline, isReading: boolean, method = 'GET'): FakeClient => {
  const client = pipeline.request(method);
  client.isReading = isReading;
  pipeline.transport.last.end(failure('reset', false));
  return client;
};

test('a fallback is in use until its client has taken it, and the next one hears of the failure meanwhile', () => {
  const pipeline = withFallback(1);
  const slow = failedRequest(pipeline, false);
  assert.equal(placesInUse(pipeline), 1);

  assert.equal(failedRequest(pipeline, true).reason, 'reset');
  slow.read();

  assert.equal(placesInUse(pipeline), 0);
  assert.match(failedRequest(pipeline, true).sent, /^HTTP\/1\.1 200 [\s\S]*instead$/);
  assert.deepEqual(
    pipeline.log.map(({ fallback }) => fallback),
    ['served', 'full', 'served'],
  );
});

test('a client that takes its answer at once uses no place for longer than that', () => {
  const pipeline = withFallback(1);
  for (let count = 0; count < 5; count += 1) assert.equal(failedRequest(pipeline, true).status, 200);
  assert.equal(placesInUse(pipeline), 0);
});

test('a client that leaves with its fallback half taken gives the place back', () => {
  const pipeline = withFallback(1);
  for (let count = 0; count < 100; count += 1) {
    const client = failedRequest(pipeline, false);
    assert.equal(client.status, 200);
    client.leave();
  }
  assert.equal(placesInUse(pipeline), 0);
  assert.deepEqual(pipeline.held, nothing);
});

for (const [what, method, more] of [
  ['an answer to HEAD', 'HEAD', {}],
  ['a 204', 'GET', { status: 204, body: '' }],
  ['a 304', 'GET', { status: 304, body: '' }],
  ['an empty body', 'GET', { body: '' }],
] as const) {
  test(`${what} is in use as long as its head is`, () => {
    const pipeline = withFallback(1, more);
    const client = failedRequest(pipeline, false, method);
    assert.equal(placesInUse(pipeline), 1);
    assert.match(client.sent, /\r\n\r\n$/);

    client.read();

    assert.equal(placesInUse(pipeline), 0);
  });
}

test('a failing answer of the upstream is passed on while the fallback is full, and counted as rejected', () => {
  const pipeline = withFallback(1);
  const slow = failedRequest(pipeline, false);

  const client = pipeline.request();
  pipeline.transport.last.head(500);
  pipeline.transport.last.data('as it is');
  pipeline.transport.last.end();

  assert.match(client.sent, /^HTTP\/1\.1 500 [\s\S]*as it is$/);
  const { fallbackSuccess, fallbackRejected, fallbackMissing } = pipeline.book.figures(
    pipeline.clock.now(),
  ).rolling;
  assert.deepEqual([fallbackSuccess, fallbackRejected, fallbackMissing], [1, 1, 0]);
  slow.read();
  assert.equal(placesInUse(pipeline), 0);
});

test('a client that left is not answered, and one that sent a bad body is told so', () => {
  const pipeline = withFallback(1, { on: ['timeout', 'connect-failure', 'reset', 'upstream_status'] });
  pipeline.request().leave();
  const broken = pipeline.request('PUT', ['Content-Length: 6']);
  broken.break();

  assert.equal(broken.status, 408);
  assert.deepEqual(
    pipeline.log.map(({ fallback, reason }) => [fallback, reason]),
    [
      ['none', 'client_gone'],
      ['none', 'request_timeout'],
    ],
  );
  const { badRequest, fallbackMissing, otherRejected } = pipeline.book.figures(pipeline.clock.now()).rolling;
  assert.deepEqual([badRequest, fallbackMissing, otherRejected], [1, 0, 0]);
});
