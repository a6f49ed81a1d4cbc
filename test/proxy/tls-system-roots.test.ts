import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makeAuthority, noCertificates } from '../rig/certificates.ts';
import { assertOwnAnswer } from '../rig/own-answer.ts';
import { exchangeRaw } from '../rig/raw-client.ts';
import { startSidecar, upstreamU } from '../rig/sidecar.ts';
import { startTlsUpstream } from '../rig/tls-upstream.ts';
import { statusOf } from '../rig/wire-reader.ts';

// A file of its own: the system's CAs are read once for each process.
const options = { skip: noCertificates };
const authority = noCertificates === false ? makeAuthority({ after }) : null!;
if (noCertificates === false) process.env['SSL_CERT_FILE'] = authority.own.certFile;

const request = 'GET / HTTP/1.1\r\nHost: u.test\r\n\r\n';

test('without tls.ca the CAs of the system decide, wherever they are', options, async (t) => {
  const upstream = await startTlsUpstream(t, authority.issue({ names: ['DNS:u.test'] }));
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { tls: {} }));

  assert.equal(statusOf(await exchangeRaw(t, sidecar.egress, request)), 200);
});

test('a server that they do not vouch for is refused, and the log says who decided', options, async (t) => {
  const stranger = makeAuthority(t, 'Stranger CA');
  const upstream = await startTlsUpstream(t, stranger.issue({ names: ['DNS:u.test'] }));
  const sidecar = await startSidecar(t, upstreamU([upstream.address], { tls: {}, retry: { attempts: 1 } }));

  const response = await exchangeRaw(t, sidecar.egress, request);

  assertOwnAnswer(response, { status: 502, reason: 'tls_certificate_error' });
  assert.match(String((await sidecar.accessLineAt(0))['detail']), /; trusted: the system's CAs$/);
});
