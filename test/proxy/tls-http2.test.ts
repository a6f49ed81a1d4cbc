import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import { createServer } from 'node:tls';
import { type Credential, makeAuthority, noCertificates } from '../rig/certificates.ts';
import { makeCaller } from '../rig/http-call.ts';
import { hashOf } from '../rig/http-upstream.ts';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { exchangeRaw } from '../rig/raw-client.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { startTlsUpstream } from '../rig/tls-upstream.ts';

const options = { skip: noCertificates };
const authority = noCertificates === false ? makeAuthority({ after }) : null!;
const server = authority?.issue({ names: ['DNS:u.test'] });

/** An HTTP/2 server that gives back what it is sent, and says how often it was connected to. */
const startHttp2 = async (t: TestContext, { cert, key }: Credential) => {
  const http2: Http2SecureServer = createSecureServer({ cert, key });
  const seen = { connections: 0, authorities: [] as unknown[] };
  http2.on('secureConnection', () => {
    seen.connections += 1;
  });
  http2.on('stream', (stream: ServerHttp2Stream, headers) => {
    seen.authorities.push(headers[':authority']);
    stream.respond({ ':status': 200, 'x-over': 'h2', 'set-cookie': ['a=1', 'b=2'] });
    stream.pipe(stream);
  });
  http2.listen({ host: '127.0.0.1', port: 0 });
  await once(http2, 'listening');
  t.after(() => http2.close());
  return { seen, address: `127.0.0.1:${(http2.address() as AddressInfo).port}` };
};

const start = (t: TestContext, endpoints: readonly string[]) =>
  startSidecar(t, upstreamU(endpoints, { tls: { ca: authority.own.certFile, alpn: ['h2'] } }));

test(
  'an app that speaks HTTP/1.1 is served by an HTTP/2 upstream, whose connections requests share',
  options,
  async (t) => {
    const { seen, address } = await startHttp2(t, server);
    const sidecar = await start(t, [address]);
    const body = Buffer.alloc(300_000, 'h2');
    const caller = makeCaller(t, sidecar.egress, 8);

    const first = await caller.call({ method: 'POST', body });
    const others = await Promise.all(
      Array.from({ length: 20 }, () => caller.call({ method: 'POST', body: 'x' })),
    );

    assert.ok(first.kind === 'answer' && first.status === 200, JSON.stringify(first));
    assert.equal(hashOf(first.body), hashOf(body));
    assert.ok(others.every((one) => one.kind === 'answer' && one.body.toString() === 'x'));
    // Fewer than there are clients: requests share what is open.
    assert.ok(seen.connections <= 2, `${seen.connections} connections`);
    assert.deepEqual(new Set(seen.authorities), new Set(['u.test']));
    assert.equal(await sidecar.metric('attempts_total', { outcome: 'success' }), 21);
  },
);

test('fields of an answer over HTTP/2 stay separate and in order', options, async (t) => {
  const { address } = await startHttp2(t, server);
  const sidecar = await start(t, [address]);

  const response = await exchangeRaw(t, sidecar.egress, 'GET / HTTP/1.1\r\nHost: u.test\r\n\r\n');

  const cookies = response.fields.filter(([name]) => name.toLowerCase() === 'set-cookie');
  assert.deepEqual(
    cookies.map(([, value]) => value),
    ['a=1', 'b=2'],
  );
});

test('a server that does not agree on HTTP/2 is not spoken to', options, async (t) => {
  const refusing = await startTlsUpstream(t, server, (_call, response) => response.end('never'));
  // One that knows nothing of ALPN says nothing about it.
  const silent = createServer({ cert: server.cert, key: server.key }, (socket) => {
    socket.on('error', () => {});
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
  silent.listen({ host: '127.0.0.1', port: 0 });
  await once(silent, 'listening');
  t.after(() => silent.close());

  for (const [address, reason] of [
    [refusing.address, 'tls_alert_received'],
    [`127.0.0.1:${(silent.address() as AddressInfo).port}`, 'tls_protocol_error'],
  ] as const) {
    const sidecar = await start(t, [address]);
    const response = await exchangeRaw(t, sidecar.egress, 'GET / HTTP/1.1\r\nHost: u.test\r\n\r\n');
    assertOwnAnswer(response, { status: 502, reason });
  }
  assert.equal(refusing.calls.length, 0);
});
