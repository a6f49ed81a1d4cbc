import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, test } from 'node:test';
import { describeCertificate } from '../../src/upstream/shown-certificate.ts';
import { makeAuthority, noCertificates, type Wish } from '../rig/certificates.ts';

const options = { skip: noCertificates };
const authority = noCertificates === false ? makeAuthority({ after }) : null!;

const describe = (wish: Wish): string =>
  describeCertificate({
    certificate: new X509Certificate(authority.issue(wish).cert),
    serverName: 'u.test',
    roots: '/ca.pem',
    at: Date.now(),
  });

test('it says for whom the certificate is, who issued it, and how its dates are', options, () => {
  const told = describe({ names: ['DNS:a.test', 'IP:10.0.0.1'], validToDays: 3 });
  assert.match(
    told,
    /^asked for u\.test; the certificate is for DNS:a\.test, IP Address:10\.0\.0\.1, issued by CN=Test CA, valid until \d{4}-\d\d-\d\dT[\d:]+\.000Z; trusted: \/ca\.pem$/,
  );
  assert.match(describe({ validFromDays: -9, validToDays: -0.5 }), /, expired 12 h ago; /);
});

test('a certificate without names is called by its subject', options, () => {
  assert.match(describe({ commonName: 'some server' }), /the certificate is for CN=some server, issued/);
});

test('dates that make no sense are no reason to fall over', options, () => {
  const real = new X509Certificate(authority.own.cert);
  const certificate = {
    subject: real.subject,
    issuer: real.issuer,
    validFromDate: new Date(0),
    validToDate: new Date('Bad time value'),
  } as X509Certificate;
  const told = describeCertificate({ certificate, serverName: 'u.test', roots: 'x', at: 0 });
  assert.match(told, /issued by CN=Test CA, with dates that make no sense; trusted: x$/);
});

test('a certificate cannot make the line long, break it, or move the cursor', options, () => {
  const many = Array.from({ length: 200 }, (_, index) => `DNS:host-${index}.test`);
  assert.ok(describe({ names: many }).length < 700);
  const hostile = describe({ commonName: 'a\u001b[2Jb\u0085ä' });
  assert.match(hostile, /^[\x20-\x7e]+$/);
});
