/**
 * What a tunnel costs while nothing is said in it: thousands of idle CONNECT tunnels, then as many connections of a TCP
 * upstream, in a sidecar of their own each. Takes about half a minute.
 *
 *     node test/experiments/idle-tunnels.ts [TUNNELS]
 *
 * The sidecar collects its garbage before each look (`--expose-gc`, by a file that is loaded first): what is counted is
 * what is held
 */

import { loadavg } from 'node:os';
import { connectBytes, startByteServer } from '../rig/byte-peer.ts';
import type { Owner, RigAddress } from '../rig/owner.ts';
import { freePort, type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';
import { atMost, exactly, type Figure, reported, runArm, runExperiment } from './experiment.ts';
import { type Memory, memoryOf, memoryOptions } from './sidecar-memory.ts';

const count = Number(process.argv[2] ?? 2000);
const TARGET_KIB = 25;

const measure = async (
  owner: Owner,
  what: string,
  open: (sidecar: SidecarProcess, tcp: RigAddress, server: string) => Promise<unknown>,
): Promise<Figure[]> => {
  const server = await startByteServer(owner, (peer) => peer.say('hello'));
  const tcp = { host: '127.0.0.1', port: await freePort() };
  const sidecar = await startSidecarProcess(
    owner,
    {
      egress: { unlisted: 'allow', maxTunnels: count + 200 },
      defaults: { timeout: { idle: '1h' } },
      upstreams: {
        db: {
          protocol: 'tcp',
          listen: `127.0.0.1:${tcp.port}`,
          endpoints: [server.address],
          bulkhead: { concurrency: count + 200 },
        },
      },
    },
    { nodeOptions: memoryOptions(owner) },
  );
  const openSome = async (some: number): Promise<void> => {
    for (let opened = 0; opened < some; opened += 50) {
      await Promise.all(Array.from({ length: 50 }, () => open(sidecar, tcp, server.address)));
    }
  };
  // What is there only once is not counted.
  await openSome(200);
  const before = await memoryOf(sidecar);
  await openSome(count);
  const after = await memoryOf(sidecar);
  const each = (key: keyof Memory): number => (after[key] - before[key]) / 1024 / count;
  const metrics = await sidecar.metrics();
  const openNow = metrics.sum('tunnels_open') + metrics.sum('bulkhead_in_flight', { upstream: 'db' });
  return [
    exactly(`${what}: open`, openNow, count + 200),
    atMost(`${what}: resident memory of each, KiB`, each('rss'), TARGET_KIB),
    reported(`${what}: heap of each, KiB`, each('heapUsed')),
    reported(`${what}: outside the heap, KiB`, each('external')),
  ];
};

await runExperiment(`${count} idle tunnels`, async (owner) => [
  ...(await runArm(owner, 'CONNECT', (arm) =>
    measure(arm, 'CONNECT', async (sidecar, _tcp, server) => {
      const client = await connectBytes(arm, sidecar.egress);
      client.say(`CONNECT ${server} HTTP/1.1\r\nHost: ${server}\r\n\r\n`);
      await client.hears('hello');
    }),
  )),
  ...(await runArm(owner, 'TCP', (arm) =>
    measure(arm, 'TCP', async (_sidecar, tcp) => (await connectBytes(arm, tcp)).hears('hello')),
  )),
  reported('load of the machine at the end', loadavg()[0]!),
]);
