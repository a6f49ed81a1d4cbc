import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import { createServer, type TLSSocket } from 'node:tls';
import { connectBytes } from '../rig/byte-peer.ts';
import { type Credential, makeAuthority, noCertificates } from '../rig/certificates.ts';
import { startSidecar } from '../rig/sidecar.ts';

const options = { skip: noCertificates };
const authority = noCertificates === false ? makeAuthority({ after }) : null!;
const good = authority?.issue({ names: ['DNS:db.test'] });
const wrong = authority?.issue({ names: ['DNS:other.test'] });

/** A server of some protocol over TLS; it is asked with what it is told to do with each connection. */
const startSecure = async (
  t: TestContext,
  { cert, key }: Credential,
  serve: (socket: TLSSocket) => void,
): Promise<string> => {
  const server = createServer({ cert, key }, (socket) => {
    socket.on('error', () => {});
    serve(socket);
  });
  server.on('tlsClientError', () => {});
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  t.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const startTcp = (t: TestContext, endpoints: readonly string[]) =>
  startSidecar(t, {
    upstreams: {
      db: {
        protocol: 'tcp',
        listen: '127.0.0.1:0',
        endpoints,
        tls: { ca: authority.own.certFile, serverName: 'db.test' },
      },
    },
  });

test('a TCP upstream is spoken to over TLS, and the app knows nothing of it', options, async (t) => {
  let protocol: string | false | null = null;
  let said = '';
  const address = await startSecure(t, good, (socket) => {
    protocol = socket.alpnProtocol;
    socket.on('data', (chunk: Buffer) => {
      said += chunk;
      if (said.endsWith('?')) socket.end('an answer');
    });
  });
  const sidecar = await startTcp(t, [address]);

  const client = await connectBytes(t, sidecar.listener('db'));
  client.say('a question?');
  await client.ended();
  client.end();
  await client.over();

  assert.equal(said, 'a question?');
  assert.equal(client.text, 'an answer');
  // What is spoken is not ours to name.
  assert.equal(protocol, false);
  const line = await sidecar.accessLineAt(0);
  assert.deepEqual([line['outcome'], line['requestBytes'], line['responseBytes']], ['success', 11, 9]);
});

test('megabytes go over it both ways, byte for byte', options, async (t) => {
  const bytes = Buffer.alloc(5 * 1024 * 1024, 'outrigger');
  const address = await startSecure(t, good, (socket) => socket.pipe(socket));
  const sidecar = await startTcp(t, [address]);

  const client = await connectBytes(t, sidecar.listener('db'));
  client.end(bytes);
  await client.ended();

  assert.ok(client.received.equals(bytes));
});

test(
  'a certificate of another name resets the client, says why in the log, and is tried elsewhere',
  options,
  async (t) => {
    const bad = await startSecure(t, wrong, (socket) => socket.end('never'));
    const alive = await startSecure(t, good, (socket) => socket.write('hello'));
    const alone = await startTcp(t, [bad]);
    const both = await startTcp(t, [bad, alive]);

    const refused = await connectBytes(t, alone.listener('db'));
    const closed = await refused.over();
    for (let i = 0; i < 4; i += 1) await (await connectBytes(t, both.listener('db'))).hears('hello');

    assert.deepEqual([closed, refused.text], ['by a reset', '']);
    const line = await alone.accessLineAt(0);
    assert.equal(line['reason'], 'tls_certificate_error');
    assert.match(String(line['detail']), /ERR_TLS_CERT_ALTNAME_INVALID: .*db\.test.*other\.test/);
  },
);
