import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failure } from '../../src/policy/outcome.ts';
import { Pipeline } from '../rig/pipeline.ts';
import { exchangeRaw } from '../rig/raw-client.ts';
import { answering, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { fieldOf, statusOf } from '../rig/wire-reader.ts';

const quick = { backoff: { base: '20ms', max: '20ms' } };

/** The marks that each attempt carried upstream. */
const marksOf = (pipeline: Pipeline): string[][] =>
  pipeline.transport.attempts.map(({ request }) =>
    Array.from(request.headText.matchAll(/^x-outrigger-attempt: *(.*)\r$/gim), ([, mark]) => mark!),
  );

/** Fails every attempt of a request with these fields until no other one follows. */
const failAll = async (fields: readonly string[], attempts = 3): Promise<Pipeline> => {
  const pipeline = new Pipeline({ retry: { ...quick, attempts } });
  pipeline.transport.onStart = (attempt) => attempt.end(failure('reset', false));
  pipeline.request('GET', fields);
  for (let i = 0; i < attempts; i += 1) await pipeline.advance(20);
  return pipeline;
};

test('every attempt after the first carries its number', async () => {
  const pipeline = await failAll([], 12);

  assert.deepEqual(
    marksOf(pipeline),
    Array.from({ length: 12 }, (_, index) => (index === 0 ? [] : [`${index + 1}`])),
  );
});

/** What a request came with, and the marks that its attempts then carry: with one of its own it has only one attempt. */
const arrivals: readonly [readonly string[], readonly string[][]][] = [
  [['x-outrigger-attempt: 2'], [['2']]],
  [['X-Outrigger-Attempt: 17'], [['17']]],
  [['x-outrigger-attempt: 999'], [['999']]],
  [['x-outrigger-attempt: 007'], [['7']]],
  // None: what goes on is ours alone.
  [['x-outrigger-attempt: 0'], [[], ['2'], ['3']]],
  [['x-outrigger-attempt: 1'], [[], ['2'], ['3']]],
  [['x-outrigger-attempt: 1000'], [[], ['2'], ['3']]],
  [['x-outrigger-attempt: -2'], [[], ['2'], ['3']]],
  [['x-outrigger-attempt: 2.5'], [[], ['2'], ['3']]],
  [['x-outrigger-attempt: 2e1'], [[], ['2'], ['3']]],
  [['x-outrigger-attempt: two'], [[], ['2'], ['3']]],
  [['x-outrigger-attempt:'], [[], ['2'], ['3']]],
  // Several, or a list, which is the same: the highest counts, and goes on alone.
  [['x-outrigger-attempt: 2', 'x-outrigger-attempt: 3'], [['3']]],
  [['x-outrigger-attempt: 3', 'Accept: */*', 'x-outrigger-attempt: 2'], [['3']]],
  [['x-outrigger-attempt: 2, 3'], [['3']]],
  [['x-outrigger-attempt: 1', 'x-outrigger-attempt: 2'], [['2']]],
  [['x-outrigger-attempt: 2', 'x-outrigger-attempt: x'], [['2']]],
  [
    ['x-outrigger-attempt: 1', 'x-outrigger-attempt: x'],
    [[], ['2'], ['3']],
  ],
];

for (const [fields, marks] of arrivals) {
  const outcome = marks.length === 1 ? 'is not tried again' : 'is tried again';
  test(`a request with "${fields.join('", "')}" ${outcome}, and no attempt carries two marks`, async () => {
    const pipeline = await failAll(fields);

    assert.deepEqual(marksOf(pipeline), marks);
    const skipped = marks.length === 1 ? { already_retried: 1 } : {};
    assert.deepEqual(Object.fromEntries(pipeline.book.totals.retriesSkipped()), skipped);
  });
}

test('OPTIONS with Max-Forwards, whose fields are written anew, carries one mark as well', async () => {
  const pipeline = new Pipeline({ retry: quick });
  pipeline.transport.onStart = (attempt) => attempt.end(failure('reset', false));
  pipeline.request('OPTIONS', ['x-outrigger-attempt: 1', 'Max-Forwards: 5']);
  await pipeline.advance(20);

  assert.deepEqual(marksOf(pipeline), [[], ['2']]);
});

test('the mark counts attempts, not connections: the free go on a fresh one carries what the first carried', async (t) => {
  const upstream = await startRawUpstream(t, async (exchange) => {
    const { connection } = exchange;
    if (connection.exchanges.length > 1) connection.socket.resetAndDestroy();
    else await answering('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')(exchange);
  });
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));
  const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\nx-outrigger-attempt: 2\r\n\r\n';
  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get)), 200);

  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, get)), 200);

  assert.deepEqual(
    upstream.exchanges.map((exchange) => fieldOf(exchange, 'x-outrigger-attempt')),
    ['2', '2', '2'],
  );
});

test('a client cannot have the mark taken off by naming it in Connection', async (t) => {
  const upstream = await startRawUpstream(t);
  const sidecar = await startSidecar(t, upstreamU([upstream.address]));

  const response = await exchangeRaw(
    t,
    sidecar.egress,
    'GET /x HTTP/1.1\r\nHost: u.test\r\nConnection: x-outrigger-attempt\r\nx-outrigger-attempt: 2\r\n\r\n',
  );

  assert.equal(statusOf(response), 400);
});
