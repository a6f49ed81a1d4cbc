import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { fetchText } from '../rig/metrics.ts';
import { connectRaw, RawClient } from '../rig/raw-client.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';

const DESCRIPTORS = 128;
const BURST = 400;
const get = 'GET / HTTP/1.1\r\nHost: u.test\r\n\r\n';

test('a burst that takes every descriptor costs those who find none, no breaker opens, and afterwards all is as before', async (t) => {
  const upstream = await startRawUpstream(t);
  const sidecar = await startSidecarProcess(
    t,
    { upstreams: { u: { hosts: ['u.test'], endpoints: [upstream.address], breaker: { volume: 5 } } } },
    { shell: `ulimit -n ${DESCRIPTORS}` },
  );
  const before = sidecar.descriptors;
  const clients = Array.from({ length: BURST }, () => {
    const socket = connect({ ...sidecar.egress, allowHalfOpen: true });
    t.after(() => socket.destroy());
    return new RawClient(socket);
  });
  // Those for whom there was no descriptor are closed at once.
  await eventually('all are taken, or closed', () => {
    const turnedAway = clients.filter(({ isOver }) => isOver).length;
    return turnedAway > 0 && turnedAway + sidecar.descriptors - before >= BURST;
  });
  const taken = clients.filter(({ isOver }) => !isOver);
  assert.ok(taken.length > 20, `${taken.length} were taken`);

  // They hold what there is, and their requests need as many again.
  const reasons = await Promise.all(
    taken.slice(0, 20).map(async (client) => (await client.send(get).finalResponse()).body.toString()),
  );
  const refused = reasons.filter((body) => body.includes('"reason":"out_of_resources"'));
  assert.ok(refused.length >= 15, reasons.join('\n'));

  for (const client of clients) client.leave();
  await eventually('the admin interface answers', async () => {
    const answer = await fetchText(sidecar.admin, '/breakers/u').catch(() => null);
    return answer?.status === 200 && JSON.parse(answer.text).state === 'closed';
  });
  const client = await connectRaw(t, sidecar.egress);
  assert.equal((await client.send(get).finalResponse()).startLine, 'HTTP/1.1 200 OK');
  assert.deepEqual(
    sidecar.log.filter(({ event }) => event === 'endpoint.changed' || event === 'breaker.transition'),
    [],
  );
  assert.equal(await sidecar.drained(), 0);
});
