import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startFullBacklog } from '../rig/full-backlog.ts';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { exchangeRaw } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { statusOf } from '../rig/wire-reader.ts';

const post = 'POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\n\r\nabc';

test('an endpoint that does not take the connection is a connect timeout, not a hang', async (t) => {
  const port = await startFullBacklog(t);
  const sidecar = await startSidecar(
    t,
    upstreamU([`127.0.0.1:${port}`], { timeout: { connect: '100ms' }, retry: { attempts: 1 } }),
  );

  const response = await exchangeRaw(t, sidecar.egress, post);

  assertOwnAnswer(response, { status: 504, type: 'connection_timeout', reason: 'connect_timeout' });
});

test('a connect timeout sent nothing: even a POST goes to the other endpoint', async (t) => {
  const port = await startFullBacklog(t);
  const upstream = await startRawUpstream(t);
  const sidecar = await startSidecar(
    t,
    upstreamU([`127.0.0.1:${port}`, upstream.address], { timeout: { connect: '100ms' } }),
  );

  for (let count = 0; count < 6; count += 1) {
    assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, post)), 200);
  }

  assert.equal(upstream.messages.length, 6);
});

test('an attempt whose time is up before it is connected sent nothing either', async (t) => {
  const port = await startFullBacklog(t);
  const upstream = await startRawUpstream(t);
  const sidecar = await startSidecar(
    t,
    upstreamU([`127.0.0.1:${port}`, upstream.address], {
      timeout: { connect: '1s', attempt: '100ms' },
      retry: { on: ['timeout'] },
    }),
  );

  // At the same time, so that both endpoints are chosen.
  const responses = await Promise.all([1, 2, 3, 4].map(() => exchangeRaw(t, sidecar.egress, post)));

  assert.deepEqual(responses.map(statusOf), [200, 200, 200, 200]);
  assert.ok((await sidecar.metric('attempts_total', { reason: 'attempt_timeout' })) > 0);
  assert.equal(upstream.messages.length, 4);
});
