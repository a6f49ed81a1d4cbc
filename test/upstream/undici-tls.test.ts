import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { UndiciTransport } from '../../src/upstream/undici-transport.ts';
import { selfSigned, TrustingDialer } from '../rig/h2-server.ts';
import { clientBoundsForTests, openEndpoint } from '../rig/real-transports.ts';
import { begin } from '../rig/sink-notes.ts';

const options = { skip: selfSigned() === null ? 'there is no openssl' : false, timeout: 15_000 };

test('HTTP/1.1 over TLS: a socket on which it was agreed is spoken to in it', options, async (t) => {
  const server = createServer(selfSigned()!, (request, response) => {
    response.end(`${request.httpVersion} ${request.headers.host}`);
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  t.after(() => server.close());
  await once(server, 'listening');
  const dialer = new TrustingDialer(['http/1.1']);
  const pool = { connectionsPerEndpoint: 1, maxIdle: 1, idleMs: 60_000 };
  const transport = new UndiciTransport({ clock: systemClock, dialer, pool, bounds: clientBoundsForTests });
  const endpoint = openEndpoint(t, (server.address() as AddressInfo).port);

  for (let i = 0; i < 2; i += 1) {
    const { notes } = begin(transport, endpoint);
    assert.equal(await notes.over(), 'end success 200');
    assert.equal(notes.content, '1.1 u');
  }

  assert.equal(dialer.dials, 1);
});
