import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../rig/eventually.ts';
import { type CallResult, makeCaller, statusOrCode } from '../rig/http-call.ts';
import { Held, startHttpUpstream } from '../rig/http-upstream.ts';
import { tallyOf } from '../rig/load.ts';
import { type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';

const attemptMs = 1000;

/** Stops the process as a whole, which to its loop is one long block; `meanwhile` happens around it. */
const blockFor = async (sidecar: SidecarProcess, ms: number, meanwhile: () => void): Promise<void> => {
  const { child } = sidecar;
  child.kill('SIGSTOP');
  await eventually('the sidecar is stopped', () =>
    / T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8')),
  );
  meanwhile();
  await delay(ms);
  child.kill('SIGCONT');
};

const calls = (count: number, call: () => Promise<CallResult>): Promise<CallResult[]> =>
  Promise.all(Array.from({ length: count }, call));

test('answers that came while the sidecar’s loop was blocked are answers, not timeouts; silence still is one', {
  skip: process.platform === 'linux' ? false : 'stops the process by way of /proc',
}, async (t) => {
  const gate = new Held();
  const answering = await startHttpUpstream(t, gate.answer);
  const silent = await startHttpUpstream(t, () => {});
  const policy = { timeout: { attempt: `${attemptMs}ms` }, retry: { attempts: 1 } };
  const sidecar = await startSidecarProcess(t, {
    upstreams: {
      answering: { hosts: ['answering.test'], endpoints: [answering.address], ...policy },
      silent: { hosts: ['silent.test'], endpoints: [silent.address], ...policy },
    },
  });
  const caller = makeCaller(t, sidecar.egress);
  const inFlight = calls(100, () => caller.call({ host: 'answering.test' }));
  const unheard = calls(20, () => caller.call({ host: 'silent.test' }));
  await answering.hasBegun(100);
  await silent.hasBegun(20);

  await blockFor(sidecar, attemptMs * 1.5, () => gate.release());

  assert.deepEqual(tallyOf(await inFlight), { 200: 100 });
  assert.deepEqual(tallyOf(await unheard), { 504: 20 });
  const metrics = await sidecar.metrics();
  assert.equal(metrics.sum('attempts_total', { reason: 'attempt_timeout', upstream: 'answering' }), 0);
  assert.equal(metrics.sum('attempts_total', { reason: 'attempt_timeout', upstream: 'silent' }), 20);
  assert.equal(statusOrCode(await caller.call({ host: 'answering.test' })), 200);
});
