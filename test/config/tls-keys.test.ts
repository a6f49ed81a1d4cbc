import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { stringify } from 'yaml';
import { describeSettings } from '../../src/config/describe-settings.ts';
import { checkFile } from '../../src/config/load-settings.ts';
import { formatProblem } from '../../src/config/problem.ts';
import type { TlsSettings } from '../../src/upstream/sources.ts';
import { makeAuthority, noCertificates } from '../rig/certificates.ts';

const options = { skip: noCertificates };
const folder = mkdtempSync(join(tmpdir(), 'outrigger-tls-keys-'));
after(() => rmSync(folder, { recursive: true }));
const path = join(folder, 'outrigger.yaml');

if (noCertificates === false) {
  const authority = makeAuthority({ after });
  const [one, two] = [1, 2].map(() => authority.issue({ names: ['DNS:u.test'] }));
  const { privateKey } = await import('node:crypto').then(({ generateKeyPairSync }) =>
    generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' },
    }),
  );
  const weak = authority.issue({ commonName: 'weak', keyType: ['rsa:512'] });
  for (const [name, content] of [
    ['ca.pem', authority.own.cert],
    ['one.pem', one!.cert],
    ['one.key', one!.key],
    ['two.key', two!.key],
    ['locked.key', privateKey],
    ['weak.pem', weak.cert],
    ['weak.key', weak.key],
    ['half.pem', one!.cert.subarray(0, 200)],
    ['broken.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
  ] as const) {
    writeFileSync(join(folder, name), content);
  }
}

const check = (upstream: string, environment: Readonly<Record<string, string>> = {}) => {
  writeFileSync(path, `upstreams:\n  u:\n    ${upstream}\n`);
  return checkFile(path, environment);
};

const tlsOf = (upstream: string): TlsSettings | null => {
  const result = check(upstream);
  assert.ok(result.ok, JSON.stringify(result));
  return result.settings.upstreams[0]!.tls;
};

const complaintsOf = (upstream: string, environment?: Readonly<Record<string, string>>): string[] => {
  const result = check(upstream, environment);
  assert.ok(!result.ok);
  return result.problems.map((problem) => formatProblem(problem).replace(`${path}:`, ''));
};

test('an empty tls is TLS with every default, and none at all is none', () => {
  assert.equal(tlsOf('{}'), null);
  assert.deepEqual(tlsOf('tls: {}'), {
    files: { ca: null, cert: null, key: null },
    serverName: null,
    minVersion: '1.2',
    alpn: ['http/1.1'],
  });
});

for (const [upstream, expected] of [
  ['{ hosts: [a.test], dns: "b.test:443", tls: { serverName: C.test } }', 'c.test'],
  ['{ hosts: [a.test], dns: "b.test:443", tls: {} }', 'b.test'],
  ['{ hosts: [a.test], dns: _https._tcp.b.test, tls: {} }', 'a.test'],
  ['{ hosts: [10.0.0.1, "a.test:443"], endpoints: ["10.0.0.4:443"], tls: {} }', 'a.test'],
  ['{ endpoints: ["b.test:443"], tls: {} }', null],
  ['{ hosts: [a.test, b.test], tls: {} }', null],
] as const) {
  test(`the name that is verified with ${upstream} is ${expected ?? 'that of what is dialled'}`, () => {
    assert.equal(tlsOf(upstream)!.serverName, expected);
  });
}

test('a version may be written as a number or as text, and old ones are refused', () => {
  for (const written of ['1.3', '"1.3"', 'TLSv1.3']) {
    assert.equal(tlsOf(`tls: { minVersion: ${written} }`)!.minVersion, '1.3');
  }
  assert.deepEqual(complaintsOf('tls: { minVersion: 1.1 }'), [
    '3:24: upstreams.u.tls.minVersion: 1.1 is no longer safe (known: 1.2, 1.3)',
  ]);
});

test('words of other programs, and a plain yes, are answered with our own', () => {
  for (const [upstream, hint] of [
    ['tls: true', 'write tls: {}'],
    ['tls: { sni: a.test }', 'did you mean "serverName"?'],
    ['tls: { cafile: ca.pem }', 'did you mean "ca"?'],
    ['ssl: {}', 'did you mean "tls"?'],
  ] as const) {
    const result = check(upstream);
    assert.ok(!result.ok);
    assert.equal(result.problems[0]!.hint, hint, upstream);
  }
});

test('there is no key that turns verification off', () => {
  for (const key of ['insecure', 'skipVerify', 'rejectUnauthorized', 'verify']) {
    assert.match(complaintsOf(`tls: { ${key}: true }`).join(), /unknown key/, key);
  }
});

for (const [tls, complaint] of [
  ['{ ca: nowhere.pem }', '3:16: upstreams.u.tls.ca: nowhere.pem: there is no such file'],
  [
    '{ ca: one.key }',
    '3:16: upstreams.u.tls.ca: one.key: has no certificate in it (PEM, with BEGIN CERTIFICATE)',
  ],
  ['{ ca: half.pem }', '3:16: upstreams.u.tls.ca: half.pem: breaks off in the middle of a certificate'],
  [
    '{ ca: broken.pem }',
    '3:16: upstreams.u.tls.ca: broken.pem: has a certificate that cannot be read: number 1',
  ],
  ['{ cert: one.pem }', '3:18: upstreams.u.tls.cert: there is no key to it (name it in tls.key)'],
  ['{ key: one.key }', '3:17: upstreams.u.tls.key: there is no certificate to it (name it in tls.cert)'],
  [
    '{ cert: one.pem, key: two.key }',
    "3:32: upstreams.u.tls.key: two.key: does not belong to the certificate (the certificate's own comes first in its file)",
  ],
  [
    '{ cert: one.pem, key: one.pem }',
    '3:32: upstreams.u.tls.key: one.pem: has no private key in it (PEM, with BEGIN PRIVATE KEY)',
  ],
  [
    '{ cert: one.pem, key: locked.key }',
    '3:32: upstreams.u.tls.key: locked.key: is encrypted (it must be readable without a passphrase)',
  ],
  [
    '{ cert: weak.pem, key: weak.key }',
    '3:18: upstreams.u.tls.cert: weak.pem: cannot be used: ERR_SSL_EE_KEY_TOO_SMALL',
  ],
  ['{ alpn: [h3] }', '3:19: upstreams.u.tls.alpn[0]: "h3" is not known here (did you mean "h2"?)'],
  [
    '{ serverName: "a:443" }',
    '3:24: upstreams.u.tls.serverName: "a:443" is not a host name (without a port)',
  ],
] as const) {
  test(`what is wrong with tls: ${tls} is told where it stands`, options, () => {
    assert.deepEqual(complaintsOf(`tls: ${tls}`), [complaint]);
  });
}

test('a unix socket needs a name to verify', () => {
  assert.deepEqual(complaintsOf('{ listen: "127.0.0.1:1", hosts: [], endpoints: ["unix:/s"], tls: {} }'), [
    '3:70: upstreams.u.tls: there is no name to verify (write tls.serverName)',
  ]);
  assert.equal(tlsOf('{ hosts: [a.test], endpoints: ["unix:/s"], tls: {} }')!.serverName, 'a.test');
});

test('what came from the environment is in no message about a file', options, () => {
  const said = complaintsOf(`tls: { ca: "\${CA}" }`, { CA: 'secret.pem' }).join();
  assert.match(said, /"\$\{CA\}": there is no such file/);
  assert.ok(!said.includes('secret'));
});

test(
  'the configuration in force names the files by their whole path, and never what is in them',
  options,
  () => {
    const result = check(
      '{ hosts: [u.test], tls: { ca: ca.pem, cert: one.pem, key: one.key, minVersion: 1.3 } }',
    );
    assert.ok(result.ok, JSON.stringify(result));
    const text = stringify(describeSettings(result.settings));
    assert.ok(text.includes(join(folder, 'one.key')) && !text.includes('BEGIN'));

    writeFileSync(path, text);
    const again = checkFile(path, {});
    assert.ok(again.ok, JSON.stringify(again));
    assert.deepEqual(again.settings.upstreams[0]!.tls, result.settings.upstreams[0]!.tls);
  },
);
