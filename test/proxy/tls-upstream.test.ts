import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, type TestContext, test } from 'node:test';
import { makeAuthority, noCertificates } from '../rig/certificates.ts';
import { standsStill } from '../rig/eventually.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { hashOf } from '../rig/http-upstream.ts';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { connectRaw, exchangeRaw } from '../rig/raw-client.ts';
import { type ConfigText, startSidecar, upstreamU } from '../rig/sidecar.ts';
import { startTlsUpstream } from '../rig/tls-upstream.ts';
import { statusOf } from '../rig/wire-reader.ts';

const options = { skip: noCertificates };
const authority = noCertificates === false ? makeAuthority({ after }) : null!;
const server = authority?.issue({ names: ['DNS:u.test'] });

/** The sidecar before these endpoints, with the test's CA and everything that is said beside. */
const sidecarTo = (
  t: TestContext,
  endpoints: readonly string[],
  tls: ConfigText = {},
  more: ConfigText = {},
) => startSidecar(t, upstreamU(endpoints, { tls: { ca: authority.own.certFile, ...tls }, ...more }));

test(
  'requests of every kind go over one TLS connection, and the app speaks plain HTTP',
  options,
  async (t) => {
    const body = randomBytes(200_000);
    const upstream = await startTlsUpstream(t, server, (_call, response) => {
      response.write(body.subarray(0, 1000));
      response.end(body.subarray(1000));
    });
    const sidecar = await sidecarTo(t, [upstream.address]);
    const caller = makeCaller(t, sidecar.egress, 1);

    const kinds = [
      {},
      { method: 'POST', path: '/long', body: 'abc' },
      { method: 'POST', path: '/chunked', body, headers: { 'transfer-encoding': 'chunked' } },
      { method: 'PUT', path: '/again', body },
    ];
    for (const kind of kinds) {
      const result = await caller.call(kind);
      assert.ok(result.kind === 'answer' && result.status === 200, JSON.stringify(result));
      assert.deepEqual(result.body, body);
    }

    assert.deepEqual(
      upstream.calls.map(({ method, path, bodyHash }) => [method, path, bodyHash]),
      kinds.map(({ method = 'GET', path = '/', body: sent = '' }) => [method, path, hashOf(sent)]),
    );
    assert.deepEqual(upstream.secured, [
      { serverName: 'u.test', isResumed: false, protocol: 'TLSv1.3', client: '' },
    ]);
    assert.equal(upstream.calls[0]!.headers['host'], 'u.test');
  },
);

test(
  'the pool keeps connections with TLS as it keeps others, and resumes the session on a new one',
  options,
  async (t) => {
    const upstream = await startTlsUpstream(t, server);
    const sidecar = await sidecarTo(t, [upstream.address]);
    const caller = makeCaller(t, sidecar.egress);

    await Promise.all([1, 2, 3].map(() => caller.call()));
    await Promise.all([1, 2, 3].map(() => caller.call()));
    const before = upstream.secured.length;
    assert.ok(before <= 3, `${before} connections for three calls at a time`);
    upstream.cut();
    assert.equal(statusOrCode(await caller.call({ method: 'GET' })), 200);

    assert.equal(upstream.secured.at(-1)!.isResumed, true);
  },
);

test('16 MiB go through in either direction, byte for byte', options, async (t) => {
  const body = randomBytes(16 * 1024 * 1024);
  const upstream = await startTlsUpstream(t, server, (_call, response) => response.end(body));
  const sidecar = await sidecarTo(t, [upstream.address]);

  const result = await makeCaller(t, sidecar.egress).call({ method: 'POST', body });

  assert.ok(result.kind === 'answer');
  assert.equal(hashOf(result.body), hashOf(body));
  assert.equal(upstream.calls[0]!.bodyHash, hashOf(body));
});

test('a client that does not read makes the server wait, through TLS as well', options, async (t) => {
  const total = 64 * 1024 * 1024;
  const piece = Buffer.alloc(64 * 1024, 'x');
  let written = 0;
  const upstream = await startTlsUpstream(t, server, (_call, response) => {
    response.writeHead(200, { 'content-length': total });
    const more = (): void => {
      while (written < total) {
        written += piece.length;
        if (!response.write(piece)) {
          response.once('drain', more);
          return;
        }
      }
      response.end();
    };
    more();
  });
  const sidecar = await sidecarTo(t, [upstream.address]);
  const client = await connectRaw(t, sidecar.egress);
  client.socket.pause();
  client.send('GET /x HTTP/1.1\r\nHost: u.test\r\n\r\n');

  const stoodAt = await standsStill(() => written);
  assert.ok(stoodAt < total / 2, `the proxy took ${stoodAt} bytes that nobody read`);
  client.socket.resume();

  await client.receivedAtLeast(total);
  assert.equal((await client.response()).body.length, total);
});

test('an https target goes to an upstream with tls, named with its port or without', options, async (t) => {
  const upstream = await startTlsUpstream(t, server);
  const sidecar = await startSidecar(t, {
    upstreams: {
      u: { hosts: ['u.test'], endpoints: [upstream.address], tls: { ca: authority.own.certFile } },
      ported: {
        hosts: ['p.test:443'],
        endpoints: [upstream.address],
        tls: { ca: authority.own.certFile, serverName: 'u.test' },
      },
      plain: { hosts: ['plain.test'], endpoints: [upstream.address] },
    },
  });
  const to = (target: string) =>
    exchangeRaw(t, sidecar.egress, `GET ${target} HTTP/1.1\r\nHost: elsewhere.test\r\n\r\n`);

  for (const target of ['https://u.test/a', 'https://u.test:8443/b', 'http://u.test/c', 'https://p.test/d']) {
    assert.equal(statusOf(await to(target)), 200, target);
  }
  assert.deepEqual(
    upstream.calls.map(({ path, headers }) => `${headers['host']}${path}`),
    ['u.test/a', 'u.test:8443/b', 'u.test/c', 'p.test/d'],
  );
  for (const target of ['https://plain.test/', 'https://unknown.test/']) {
    assertOwnAnswer(await to(target), { status: 400, type: 'http_request_denied', reason: 'tls_needed' });
  }
});

test(
  'what the app names without a port is dialled on 443, and on the port that it writes',
  options,
  async (t) => {
    const sidecar = await startSidecar(t, {
      upstreams: { named: { hosts: ['127.0.0.1', '127.0.0.1:1'], tls: { ca: authority.own.certFile } } },
    });

    for (const target of ['https://127.0.0.1/', 'http://127.0.0.1/', 'http://127.0.0.1:1/']) {
      await exchangeRaw(t, sidecar.egress, `GET ${target} HTTP/1.1\r\nHost: x.test\r\n\r\n`);
    }

    await sidecar.accessLineAt(2);
    assert.deepEqual(
      sidecar.accessLog.map(({ endpoint }) => endpoint),
      ['127.0.0.1:443', '127.0.0.1:443', '127.0.0.1:1'],
    );
  },
);
