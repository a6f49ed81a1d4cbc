import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { connectRaw, exchangeRaw, type RawClient } from '../rig/raw-client.ts';
import { type ConfigText, type Sidecar, startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const get = 'GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n';
const body = 'x'.repeat(1024 * 1024);
/** More answers than all buffers of the system between two sockets can hold. */
const PIPELINED = 24;

/** Every request is answered by the fallback: 1 MiB, for so many clients at the same time. */
const fallbackFor = (concurrency: number): ConfigText =>
  upstreamU(['127.0.0.1:1'], {
    breaker: { force: 'open' },
    fallback: { on: ['circuit_open'], body, concurrency },
  });

const startFallback = (t: TestContext): Promise<Sidecar> => startSidecar(t, fallbackFor(2));

/** A client that asks and asks and takes nothing: sooner or later an answer stays in the proxy. */
const stuckClient = async (t: TestContext, sidecar: Sidecar): Promise<RawClient> => {
  const client = await connectRaw(t, sidecar.egress);
  client.socket.pause();
  return client.send(get.repeat(PIPELINED));
};

const statusNow = async (t: TestContext, sidecar: Sidecar): Promise<number> =>
  statusOf(await exchangeRaw(t, sidecar.egress, get));

const isFull = (t: TestContext, sidecar: Sidecar) => async () => (await statusNow(t, sidecar)) === 503;

test('two clients that do not read use both places; the third hears what went wrong until one reads on', async (t) => {
  const sidecar = await startFallback(t);
  const first = await stuckClient(t, sidecar);
  await stuckClient(t, sidecar);

  await eventually('both places are in use', isFull(t, sidecar));
  assertOwnAnswer(await exchangeRaw(t, sidecar.egress, get), { status: 503, reason: 'circuit_open' });
  const counted = await sidecar.breaker('u');
  const { fallbackRejected, fallbackMissing } = counted['rolling'] as Record<string, number>;
  assert.equal(
    fallbackRejected,
    await sidecar.metric('requests_total', { outcome: 'rejected', code: '503' }),
  );
  assert.equal(fallbackMissing, 0);

  first.socket.resume();
  for (let count = 0; count < PIPELINED; count += 1) {
    const response = await first.response();
    // Whoever looked whether both places are in use may have taken one from it before it was stuck.
    if (statusOf(response) !== 503) assert.equal(response.body.length, body.length);
  }
  assert.equal(await statusNow(t, sidecar), 200);
});

test('clients that leave with an answer half taken leave their places free, time after time', async (t) => {
  const sidecar = await startFallback(t);
  for (let round = 0; round < 5; round += 1) {
    const clients = [await stuckClient(t, sidecar), await stuckClient(t, sidecar)];
    await eventually('both places are in use', isFull(t, sidecar));

    for (const client of clients) round % 2 === 0 ? client.reset() : client.leave();

    await eventually('a place is free', async () => (await statusNow(t, sidecar)) === 200);
  }
});

test('an HTTP/1.0 client that takes its time holds its place until it has all of it', async (t) => {
  const sidecar = await startSidecar(t, fallbackFor(1));
  const client = await connectRaw(t, sidecar.egress);

  const response = await client.send('GET /x HTTP/1.0\r\nHost: u.test\r\n\r\n').response();

  assert.equal(response.body.length, body.length);
  assert.equal(await client.closed(), 'end');
  assert.equal(await statusNow(t, sidecar), 200);
});

test('places stay in use over a reload, and a new limit counts them', async (t) => {
  const sidecar = await startFallback(t);
  await stuckClient(t, sidecar);
  await stuckClient(t, sidecar);
  await eventually('both places are in use', isFull(t, sidecar));

  await sidecar.reload(fallbackFor(1));
  assert.equal(await statusNow(t, sidecar), 503);
  await sidecar.reload(fallbackFor(3));
  assert.equal(await statusNow(t, sidecar), 200);
});
