import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, type TestContext, test } from 'node:test';
import type { TlsFilesChange } from '../../src/telemetry/events.ts';
import { TlsContextSource } from '../../src/upstream/tls-context.ts';
import { type Credential, makeAuthority, noCertificates } from '../rig/certificates.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const options = { skip: noCertificates };
const authority = noCertificates === false ? makeAuthority({ after }) : null!;
const [one, two] =
  noCertificates === false ? [1, 2].map((n) => authority.issue({ commonName: `c${n}` })) : [];

const CHECK_MS = 5000;

/** A folder with `ca`, `cert` and `key`, and what is made of them. */
const setUp = (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-context-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const put = ({ certFile, keyFile }: Credential, into = folder): void => {
    copyFileSync(certFile, join(into, 'cert'));
    copyFileSync(keyFile, join(into, 'key'));
    copyFileSync(authority.own.certFile, join(into, 'ca'));
  };
  const clock = new VirtualClock();
  const told: TlsFilesChange[] = [];
  const sourceIn = (where: string): TlsContextSource => {
    const files = { ca: join(where, 'ca'), cert: join(where, 'cert'), key: join(where, 'key') };
    const settings = { files, serverName: 'u.test', minVersion: '1.2', alpn: ['http/1.1'] } as const;
    const bus = { tlsFilesChanged: (change: TlsFilesChange) => told.push(change) };
    return new TlsContextSource({ name: 'u', settings, clock, bus });
  };
  const words = (): string[] => told.map(({ upstream, result, why }) => `${upstream} ${result} ${why}`);
  return { folder, put, clock, words, sourceIn };
};

test('new files are taken over by the next connection, but are looked at only now and then', options, (t) => {
  const { folder, put, clock, words, sourceIn } = setUp(t);
  put(one!);
  const source = sourceIn(folder);
  const first = source.current;
  assert.ok(first !== null);

  put(two!);
  clock.advance(CHECK_MS - 1);
  assert.equal(source.current, first);
  clock.advance(1);
  const second = source.current;

  assert.ok(second !== null && second !== first);
  assert.notEqual(second.secure, first.secure);
  assert.notEqual(second.sessions, first.sessions, 'a session that other files verified is not resumed');
  assert.deepEqual(words(), [`u taken_over ${['ca', 'cert', 'key'].map((f) => join(folder, f)).join(', ')}`]);
  clock.advance(CHECK_MS);
  assert.equal(source.current, second);
});

test(
  'a secret of Kubernetes, whose files are links through a link that is swapped, is taken over',
  options,
  (t) => {
    const { folder, put, clock, words, sourceIn } = setUp(t);
    for (const [version, credential] of [
      ['..v1', one!],
      ['..v2', two!],
    ] as const) {
      mkdirSync(join(folder, version));
      put(credential, join(folder, version));
    }
    symlinkSync('..v1', join(folder, '..data'));
    for (const file of ['ca', 'cert', 'key']) symlinkSync(join('..data', file), join(folder, file));
    const source = sourceIn(folder);
    const first = source.current;

    symlinkSync('..v2', join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    clock.advance(CHECK_MS);

    assert.ok(source.current !== null && source.current !== first);
    assert.match(words().join(), /^u taken_over /);
  },
);

for (const [what, spoil, says] of [
  [
    'a certificate beside the key of another one',
    (folder: string) => copyFileSync(two!.certFile, join(folder, 'cert')),
    'key: does not belong to the certificate',
  ],
  ['a key that is missing', (folder: string) => rmSync(join(folder, 'key')), 'key: cannot be read: ENOENT'],
  [
    'a certificate that is half written',
    (folder: string) => writeFileSync(join(folder, 'cert'), one!.cert.subarray(0, 300)),
    'cert: breaks off in the middle of a certificate',
  ],
  [
    'a CA file that is empty',
    (folder: string) => writeFileSync(join(folder, 'ca'), ''),
    'ca: has no certificate in it',
  ],
] as const) {
  test(`${what} changes nothing, and is told once until it is mended`, options, (t) => {
    const { folder, put, clock, words, sourceIn } = setUp(t);
    put(one!);
    const source = sourceIn(folder);
    const first = source.current;

    spoil(folder);
    for (let round = 0; round < 3; round += 1) {
      clock.advance(CHECK_MS);
      assert.equal(source.current, first);
    }
    assert.deepEqual(words(), [`u refused ${join(folder, says)}`]);
    assert.ok(!words().join().includes('BEGIN'));

    put(two!);
    clock.advance(CHECK_MS);
    assert.notEqual(source.current, first);
    assert.equal(words().length, 2);
  });
}

test(
  'files that cannot be used from the beginning give no context, and are looked at again',
  options,
  (t) => {
    const { folder, put, clock, words, sourceIn } = setUp(t);
    const source = sourceIn(folder);

    assert.equal(source.current, null);
    assert.equal(source.problem, join(folder, 'ca: cannot be read: ENOENT'));
    put(one!);
    clock.advance(CHECK_MS);

    assert.ok(source.current !== null);
    assert.equal(source.problem, '');
    assert.deepEqual(
      words().map((line) => line.split(' ')[1]),
      ['refused', 'taken_over'],
    );
  },
);

test('without files the roots of the system are read once for all upstreams', options, () => {
  const settings = {
    files: { ca: null, cert: null, key: null },
    serverName: null,
    minVersion: '1.2',
    alpn: ['http/1.1'],
  } as const;
  const newSource = () =>
    new TlsContextSource({
      name: 'u',
      settings,
      clock: new VirtualClock(),
      bus: { tlsFilesChanged: () => {} },
    });

  assert.equal(newSource().current!.secure, newSource().current!.secure);
  assert.equal(newSource().roots, "the system's CAs");
});
