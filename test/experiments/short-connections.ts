/**
 * Ten thousand short connections to Redis through the sidecar: each asks once and leaves, in one of the ways in which
 * clients leave. Its descriptors must be as many at the end as at the beginning. Takes about 20 s.
 *
 *     node test/experiments/short-connections.ts [CONNECTIONS]
 */

import { loadavg } from 'node:os';
import { connectBytes } from '../rig/byte-peer.ts';
import { eventually } from '../rig/eventually.ts';
import { redisMissing, startRedis } from '../rig/redis-process.ts';
import { freePort, startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, exactly, reported, runExperiment } from './experiment.ts';

const count = Number(process.argv[2] ?? 10_000);
const AT_ONCE = 50;

await runExperiment(`${count} short connections`, async (owner) => {
  if (redisMissing) throw new Error(redisMissing);
  const redis = await startRedis(owner);
  const through = { host: '127.0.0.1', port: await freePort() };
  const sidecar = await startSidecarProcess(owner, {
    log: { access: 'off' },
    upstreams: {
      cache: { protocol: 'tcp', listen: `127.0.0.1:${through.port}`, endpoints: [redis.address] },
    },
  });
  let answered = 0;
  const one = async (i: number): Promise<void> => {
    // Whatever is opened goes by itself: an owner would keep all ten thousand to the end.
    const client = await connectBytes({ after() {} }, through);
    client.say('PING\r\n');
    await client.hears('+PONG\r\n');
    answered += 1;
    if (i % 3 === 0) client.reset();
    else if (i % 3 === 1) client.socket.destroy();
    else client.end();
    await client.over();
  };
  const some = async (many: number): Promise<void> => {
    for (let begun = 0; begun < many; begun += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, (_, i) => one(begun + i)));
    }
    await sidecar.metricIs('bulkhead_in_flight', { upstream: 'cache' }, 0);
  };
  await some(AT_ONCE * 10);
  const [descriptors, memory] = [sidecar.descriptors, sidecar.memory.now];
  await some(count);
  // Those of its metrics' readers may take a moment longer.
  await eventually('they are as many as before', () => sidecar.descriptors <= descriptors).catch(() => {});
  const metrics = await sidecar.metrics();
  return [
    exactly('answered', answered, count + AT_ONCE * 10),
    // One is that of the reader of its metrics.
    atMost('descriptors more than before', sidecar.descriptors - descriptors, 1),
    exactly('failures', metrics.sum('attempts_total', { upstream: 'cache', outcome: 'failure' }), 0),
    reported('resident memory before, MiB', memory),
    reported('after', sidecar.memory.now),
    reported('load of the machine at the end', loadavg()[0]!),
  ];
});
