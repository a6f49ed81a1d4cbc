import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { closedLoop, tallyOf } from '../rig/load.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';

test('a sidecar that is killed under load comes back on the same ports at once; the app saw broken connections alone', async (t) => {
  const upstream = await startHttpUpstream(t, (_call, response) => {
    setTimeout(() => response.end('ok'), 20);
  });
  const config = { upstreams: { u: { hosts: ['u.test'], endpoints: [upstream.address] } } };
  const first = await startSidecarProcess(t, config);
  const caller = makeCaller(t, first.egress);
  let isOver = false;
  const ends = new Set<string | number>();
  const app = Promise.all(
    Array.from({ length: 30 }, async () => {
      while (!isOver) {
        for (const end of Object.keys(tallyOf([await caller.call()]))) ends.add(end);
        await new Promise(setImmediate);
      }
    }),
  );
  await upstream.hasBegun(100);

  await first.stop();
  const second = await startSidecarProcess(t, config, { place: first });
  const afterwards = tallyOf(await closedLoop(50, 5, () => caller.call()));
  isOver = true;
  await app;

  assert.deepEqual(afterwards, { 200: 50 });
  for (const end of ends) assert.match(String(end), /^(200|ECONNRESET|ECONNREFUSED|EPIPE)$/);
  assert.equal(await second.drained(), 0);
});
