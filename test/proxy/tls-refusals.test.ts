import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { after, type TestContext, test } from 'node:test';
import type { TlsOptions } from 'node:tls';
import { type Credential, makeAuthority, noCertificates } from '../rig/certificates.ts';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { exchangeRaw } from '../rig/raw-client.ts';
import { type ConfigText, startSidecar, upstreamU } from '../rig/sidecar.ts';
import { startTlsUpstream } from '../rig/tls-upstream.ts';
import { statusOf, type WireMessage } from '../rig/wire-reader.ts';

const options = { skip: noCertificates };
const authority = noCertificates === false ? makeAuthority({ after }) : null!;
const stranger = noCertificates === false ? makeAuthority({ after }, 'Stranger CA') : null!;
const server = authority?.issue({ names: ['DNS:u.test'] });

const post = 'POST /x HTTP/1.1\r\nHost: u.test\r\nContent-Length: 3\r\n\r\nabc';
const once1 = { retry: { attempts: 1 } };

const sidecarTo = (
  t: TestContext,
  endpoints: readonly string[],
  tls: ConfigText = {},
  more: ConfigText = once1,
) => startSidecar(t, upstreamU(endpoints, { tls: { ca: authority.own.certFile, ...tls }, ...more }));

/** A TCP server that does this with each connection. */
const listen = async (t: TestContext, serve: (socket: Socket) => void): Promise<string> => {
  const sockets: Socket[] = [];
  const plain = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    serve(socket);
  }).listen(0, '127.0.0.1');
  t.after(() => {
    plain.close();
    for (const socket of sockets) socket.destroy();
  });
  await once(plain, 'listening');
  return `127.0.0.1:${(plain.address() as AddressInfo).port}`;
};

/** What is refused with this server, by the answer and by the line of the access log. */
const refusedBy = async (t: TestContext, address: string, tls: ConfigText = {}) => {
  const sidecar = await sidecarTo(t, [address], tls);
  const response = await exchangeRaw(t, sidecar.egress, post);
  return { response, line: await sidecar.accessLineAt(0), text: response.body.toString() };
};

/** Not one word of what the server showed goes to the app. */
const saysNothingOf = (response: WireMessage, secrets: readonly string[]): void => {
  const all = JSON.stringify(response.fields) + response.body.toString();
  for (const secret of secrets) assert.ok(!all.includes(secret), secret);
};

const certificates: readonly (readonly [
  what: string,
  issue: () => Credential,
  code: string,
  says: RegExp,
])[] = [
  [
    'that has expired',
    () => authority.issue({ names: ['DNS:u.test'], validFromDays: -10, validToDays: -3 }),
    'CERT_HAS_EXPIRED',
    /^asked for u\.test; the certificate is for DNS:u\.test, issued by CN=Test CA, expired 3 d ago; trusted: \/.*\.pem$/,
  ],
  [
    'that is not valid yet',
    () => authority.issue({ names: ['DNS:u.test'], validFromDays: 2.01, validToDays: 30 }),
    'CERT_NOT_YET_VALID',
    /issued by CN=Test CA, not valid for another 2 d; /,
  ],
  [
    'for another name',
    () => authority.issue({ names: ['DNS:other.test', 'DNS:*.other.test'] }),
    'ERR_TLS_CERT_ALTNAME_INVALID',
    /^asked for u\.test; the certificate is for DNS:other\.test, DNS:\*\.other\.test, .* valid until 20/,
  ],
  [
    'that signed itself',
    () => stranger.own,
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    /the certificate is for CN=Stranger CA, issued by CN=Stranger CA, /,
  ],
  [
    'of a CA that is not trusted',
    () => stranger.issue({ names: ['DNS:u.test'] }),
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    /issued by CN=Stranger CA, valid until .*; trusted: \/.*\.pem$/,
  ],
];

for (const [what, issue, code, says] of certificates) {
  test(`a certificate ${what} is refused, and the log says whose it is`, options, async (t) => {
    const upstream = await startTlsUpstream(t, issue());

    const { response, line } = await refusedBy(t, upstream.address);

    assertOwnAnswer(response, {
      status: 502,
      type: 'tls_certificate_error',
      reason: 'tls_certificate_error',
    });
    const [told, ...rest] = String(line['detail']).split(': ');
    assert.equal(told, code);
    assert.match(rest.join(': '), says);
    saysNothingOf(response, ['CN=', 'DNS:', 'trusted']);
    assert.equal(upstream.calls.length, 0);
  });
}

test('a chain whose middle has expired is refused, and the log says which', options, async (t) => {
  const middle = makeAuthority(t, 'Middle CA', authority, { validFromDays: -10, validToDays: -2 });
  const leaf = middle.issue({ names: ['DNS:u.test'] });
  const upstream = await startTlsUpstream(t, { ...leaf, cert: Buffer.concat([leaf.cert, middle.own.cert]) });

  const { line } = await refusedBy(t, upstream.address);

  assert.match(
    String(line['detail']),
    /^CERT_HAS_EXPIRED: .* issued by CN=Middle CA, valid until .*; CN=Middle CA in its chain: expired 2 d ago; trusted/,
  );
});

test('no variable of the environment turns verification off', options, async (t) => {
  const upstream = await startTlsUpstream(t, stranger.issue({ names: ['DNS:u.test'] }));
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  t.after(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);

  const { response } = await refusedBy(t, upstream.address);

  assertOwnAnswer(response, { status: 502, reason: 'tls_certificate_error' });
});

test(
  'a server that speaks no TLS is a protocol error, and gets nothing of the request',
  options,
  async (t) => {
    let received = '';
    const address = await listen(t, (socket) => {
      socket.on('data', (chunk: Buffer) => {
        received += chunk.toString('latin1');
        socket.end('HTTP/1.1 400 Bad Request\r\n\r\n');
      });
    });

    const { response, line } = await refusedBy(t, address);

    assertOwnAnswer(response, { status: 502, type: 'tls_protocol_error', reason: 'tls_protocol_error' });
    assert.equal(line['detail'], 'ERR_SSL_WRONG_VERSION_NUMBER in the handshake');
    assert.ok(received.startsWith('\x16\x03') && !received.includes('POST'));
  },
);

for (const [what, close] of [
  ['closes', (socket: Socket) => socket.end()],
  ['resets', (socket: Socket) => socket.resetAndDestroy()],
] as const) {
  test(`a server that ${what} in the handshake is a protocol error`, options, async (t) => {
    const address = await listen(t, (socket) => socket.once('data', () => close(socket)));

    const { response, line } = await refusedBy(t, address);

    assertOwnAnswer(response, { status: 502, reason: 'tls_protocol_error' });
    assert.equal(line['detail'], 'ECONNRESET in the handshake');
  });
}

const alerts: readonly (readonly [what: string, server: TlsOptions, tls: ConfigText, detail: string])[] = [
  [
    'speaks only versions that are too old',
    { maxVersion: 'TLSv1.2' },
    { minVersion: '1.3' },
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION in the handshake',
  ],
  [
    'speaks none of the protocols that are offered',
    { ALPNProtocols: ['h2'] },
    {},
    'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL in the handshake',
  ],
  [
    'wants a certificate that we do not have',
    { requestCert: true, rejectUnauthorized: true, maxVersion: 'TLSv1.2' },
    {},
    'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE in the handshake',
  ],
];

for (const [what, own, tls, detail] of alerts) {
  test(`a server that ${what} answers with an alert`, options, async (t) => {
    const upstream = await startTlsUpstream(t, { ...server, ...own });

    const { response, line } = await refusedBy(t, upstream.address, tls);

    assertOwnAnswer(response, { status: 502, type: 'tls_alert_received', reason: 'tls_alert_received' });
    assert.equal(line['detail'], detail);
  });
}

test(
  'a server that misses our certificate only says so after the handshake of TLS 1.3',
  options,
  async (t) => {
    const upstream = await startTlsUpstream(t, { ...server, requestCert: true, rejectUnauthorized: true });

    const { response, line } = await refusedBy(t, upstream.address);

    assertOwnAnswer(response, { status: 502, reason: 'tls_alert_received' });
    assert.equal(line['detail'], 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED');
  },
);

test('a server that wants our certificate is shown it', options, async (t) => {
  const own = authority.issue({ commonName: 'sidecar' });
  const upstream = await startTlsUpstream(t, {
    ...server,
    ca: authority.own.cert,
    requestCert: true,
    rejectUnauthorized: true,
  });
  const sidecar = await sidecarTo(t, [upstream.address], { cert: own.certFile, key: own.keyFile });

  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, post)), 200);
  assert.equal(upstream.secured[0]!.client, 'sidecar');
});

test(
  'a server that never shakes hands is a connect timeout, and a POST goes to the other one',
  options,
  async (t) => {
    const silent = await listen(t, () => {});
    const upstream = await startTlsUpstream(t, server);
    const more = { timeout: { connect: '100ms' } };
    const alone = await sidecarTo(t, [silent], {}, { ...more, ...once1 });
    const both = await sidecarTo(t, [silent, upstream.address], {}, more);

    const response = await exchangeRaw(t, alone.egress, post);
    assertOwnAnswer(response, { status: 504, type: 'connection_timeout', reason: 'connect_timeout' });
    assert.equal((await alone.accessLineAt(0))['detail'], 'in the TLS handshake');

    for (let count = 0; count < 4; count += 1) {
      assert.equal(statusOf(await exchangeRaw(t, both.egress, post)), 200);
    }
    assert.equal(upstream.calls.length, 4);
  },
);

test('a POST goes to the second endpoint when the first has an expired certificate', options, async (t) => {
  const expired = await startTlsUpstream(
    t,
    authority.issue({ names: ['DNS:u.test'], validFromDays: -10, validToDays: -3 }),
  );
  const good = await startTlsUpstream(t, server);
  const sidecar = await sidecarTo(t, [expired.address, good.address], {}, {});

  // At the same time, so that both endpoints are chosen.
  const responses = await Promise.all([1, 2, 3, 4].map(() => exchangeRaw(t, sidecar.egress, post)));

  assert.deepEqual(responses.map(statusOf), [200, 200, 200, 200]);
  assert.equal(good.calls.length, 4);
  assert.ok((await sidecar.metric('attempts_total', { reason: 'tls_certificate_error' })) > 0);
});

test('certificates that are refused are votes: the circuit opens', options, async (t) => {
  const upstream = await startTlsUpstream(t, stranger.issue({ names: ['DNS:u.test'] }));
  const sidecar = await sidecarTo(t, [upstream.address], {}, { ...once1, breaker: { consecutive: 3 } });

  const reasons: unknown[] = [];
  for (let count = 0; count < 4; count += 1) {
    await exchangeRaw(t, sidecar.egress, post);
    reasons.push((await sidecar.accessLineAt(count))['reason']);
  }

  const refused = 'tls_certificate_error';
  assert.deepEqual(reasons, [refused, refused, refused, 'circuit_open']);
});
