import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthority, noCertificates } from '../rig/certificates.ts';
import { eventually } from '../rig/eventually.ts';
import { heldBytes, startFailingHandshakes } from '../rig/failing-handshakes.ts';

/** What keeps this process alive, by kind. */
const held = (kind: string): number =>
  process.getActiveResourcesInfo().filter((name) => name === kind).length;

test('2,000 handshakes that fail leave no socket, no timer, and the memory as it was', {
  skip: noCertificates,
  timeout: 60_000,
}, async (t) => {
  const failMany = await startFailingHandshakes(t, makeAuthority(t));
  // Buffers, caches and code that stay once they are there.
  await failMany(600);
  const before = heldBytes();

  const heard = await failMany(1400);

  assert.deepEqual(heard, { tls_certificate_error: 350, tls_alert_received: 350, tls_protocol_error: 700 });
  await eventually('no socket is left', () => held('TCPSocketWrap') === 0);
  const grownBytes = heldBytes() - before;
  assert.ok(grownBytes < 1400 * 1024, `${grownBytes} bytes are left of 1,400 handshakes`);
  // The dialer's queue of timeouts keeps the one that it has, however many dials there were.
  assert.ok(held('Timeout') <= 2, `${held('Timeout')} timers`);
});
