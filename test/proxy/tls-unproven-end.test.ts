import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { makeAuthority, noCertificates } from '../rig/certificates.ts';
import { connectRaw } from '../rig/raw-client.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';

const options = { skip: noCertificates };
const authority = noCertificates === false ? makeAuthority({ after }) : null!;
const server = authority?.issue({ names: ['DNS:u.test'] });

/** A TLS server that answers with a body that lasts until it ends the connection, in this way. */
const answersUntilClose = async (t: TestContext, end: (secure: TLSSocket, raw: Socket) => void) => {
  let raw: Socket | null = null;
  const tls = createServer(server, (socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nthe whole body', () => end(socket, raw!)));
  });
  tls.on('connection', (socket: Socket) => {
    raw = socket;
  });
  tls.listen(0, '127.0.0.1');
  t.after(() => {
    tls.close();
    raw?.destroy();
  });
  await once(tls, 'listening');
  return `127.0.0.1:${(tls.address() as AddressInfo).port}`;
};

for (const [how, end] of [
  ['with a bare FIN, as a cut would look', (_secure: TLSSocket, raw: Socket) => raw.end()],
  // Node does not tell this one from the other: decision 25.
  ['with a close_notify', (secure: TLSSocket) => secure.end()],
] as const) {
  test(
    `an answer that lasts until the end of its TLS connection is not whole when it ends ${how}`,
    options,
    async (t) => {
      const sidecar = await startSidecar(
        t,
        upstreamU([await answersUntilClose(t, end)], { tls: { ca: authority.own.certFile } }),
      );
      const client = await connectRaw(t, sidecar.egress);

      client.send('GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n');
      await client.head();
      await client.closed();

      assert.equal(client.partialBody.toString(), 'the whole body');
      await assert.rejects(client.response(), /ended before a whole response/);
      const line = await sidecar.accessLineAt(0);
      assert.deepEqual(
        [line['reason'], line['detail']],
        ['response_incomplete', 'ended with its TLS connection'],
      );
    },
  );
}
