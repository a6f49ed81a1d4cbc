/**
 * TLS handshakes that fail, in four ways, over and over: what is left of them. Takes about a minute.
 *
 *     node test/experiments/tls-failures.ts [HANDSHAKES]
 */

import { makeAuthority } from '../rig/certificates.ts';
import { eventually } from '../rig/eventually.ts';
import { heldBytes, startFailingHandshakes } from '../rig/failing-handshakes.ts';
import { atMost, exactly, reported, runExperiment } from './experiment.ts';

const handshakes = Number(process.argv[2] ?? 10_000);

await runExperiment(`${handshakes} TLS handshakes that fail`, async (owner) => {
  const failMany = await startFailingHandshakes(owner, makeAuthority(owner));
  // So many until the memory that the system lent has its size.
  await failMany(handshakes / 2);
  const before = heldBytes();
  const residentBefore = process.memoryUsage().rss;
  const heard = await failMany(handshakes);
  const bytesEach = (heldBytes() - before) / handshakes;
  const residentBytes = process.memoryUsage().rss - residentBefore;
  const sockets = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  await eventually('no socket is left', () => sockets() === 0);
  return [
    ...Object.entries(heard).map(([reason, count]) => reported(reason, count)),
    atMost('heap and what hangs on it, bytes for each', bytesEach, 500),
    reported('resident memory more, bytes for each', residentBytes / handshakes),
    exactly('sockets left', sockets(), 0),
  ];
});
