import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { eventually, standsStill } from '../rig/eventually.ts';
import { fetchText } from '../rig/metrics.ts';
import { connectRaw, RawClient } from '../rig/raw-client.ts';
import { ok, startRawUpstream } from '../rig/raw-upstream.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';

const DESCRIPTORS = 128;
const BURST = 400;
const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: u.test\r\n\r\n`;

test('a burst that takes every descriptor costs those who find none, no breaker opens, and afterwards all is as before', async (t) => {
  const upstream = await startRawUpstream(t, (exchange) => {
    if (!exchange.startLine.includes('/held')) exchange.write(ok());
  });
  const sidecar = await startSidecarProcess(
    t,
    { upstreams: { u: { hosts: ['u.test'], endpoints: [upstream.address], breaker: { volume: 5 } } } },
    { shell: `ulimit -n ${DESCRIPTORS}` },
  );
  const clients = Array.from({ length: BURST }, () => {
    const socket = connect({ ...sidecar.egress, allowHalfOpen: true });
    t.after(() => socket.destroy());
    return new RawClient(socket);
  });
  // Those for whom there was no descriptor are closed at once.
  const turnedAway = () => clients.filter(({ isOver }) => isOver).length;
  await eventually('those are closed who find no place', () => turnedAway() > BURST - DESCRIPTORS, 15_000);
  await standsStill(turnedAway);

  // The others hold what there is, and their requests need as many again; a few may be left all the same.
  const taken = clients.filter(({ isOver }) => !isOver);
  for (const client of taken) client.send(get('/held'));
  const refused = () => taken.filter(({ received }) => received.includes('"reason":"out_of_resources"'));
  await eventually('most of them are refused', () => refused().length > taken.length / 2, 15_000);

  for (const client of clients) client.leave();
  await eventually('the admin interface answers', async () => {
    const answer = await fetchText(sidecar.admin, '/breakers/u').catch(() => null);
    return answer?.status === 200 && JSON.parse(answer.text).state === 'closed';
  });
  const client = await connectRaw(t, sidecar.egress);
  assert.equal((await client.send(get('/')).finalResponse()).startLine, 'HTTP/1.1 200 OK');
  assert.deepEqual(
    sidecar.log.filter(({ event }) => event === 'endpoint.changed' || event === 'breaker.transition'),
    [],
  );
  assert.equal(await sidecar.drained(), 0);
});
