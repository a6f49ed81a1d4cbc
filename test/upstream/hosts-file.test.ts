import assert from 'node:assert/strict';
import fs, { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { HostsFile } from '../../src/upstream/hosts-file.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const temporaryPath = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-hosts-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'hosts');
};

const lookup = (hosts: HostsFile, name: string): string[] => hosts.lookup(name).map(({ host }) => host);

test('names and aliases have the addresses of all their lines, in order and once', (t) => {
  const path = temporaryPath(t);
  writeFileSync(
    path,
    '# a comment\n10.0.0.1 Reviews reviews.shop. # again\r\n\n  fd00:0::1\treviews\n10.0.0.1 reviews\nfe80::1%lo0 zoned\nnonsense reviews\n',
  );
  const hosts = new HostsFile(path, new VirtualClock());
  assert.deepEqual(lookup(hosts, 'reviews'), ['10.0.0.1', 'fd00::1']);
  assert.deepEqual(lookup(hosts, 'reviews.shop'), ['10.0.0.1']);
  assert.deepEqual(lookup(hosts, 'zoned'), []);
  assert.deepEqual(lookup(hosts, 'again'), []);
});

test('a changed file is read again within a second, one that went away is empty', (t) => {
  const path = temporaryPath(t);
  const clock = new VirtualClock();
  const hosts = new HostsFile(path, clock);
  assert.deepEqual(lookup(hosts, 'reviews'), []);

  writeFileSync(path, '10.0.0.1 reviews\n');
  clock.advance(1000);
  assert.deepEqual(lookup(hosts, 'reviews'), ['10.0.0.1']);

  writeFileSync(path, '10.0.0.22 reviews\n');
  assert.deepEqual(lookup(hosts, 'reviews'), ['10.0.0.1']);
  clock.advance(1000);
  assert.deepEqual(lookup(hosts, 'reviews'), ['10.0.0.22']);

  rmSync(path);
  clock.advance(1000);
  assert.deepEqual(lookup(hosts, 'reviews'), []);
});

test('what cannot be read for want of a descriptor says what it said, and is read when there is one', (t) => {
  const path = temporaryPath(t);
  const clock = new VirtualClock();
  const hosts = new HostsFile(path, clock);
  writeFileSync(path, '10.0.0.1 reviews\n');
  assert.deepEqual(lookup(hosts, 'reviews'), ['10.0.0.1']);
  writeFileSync(path, '10.0.0.22 reviews\n');
  const { mock } = t.mock.method(fs, 'readFileSync', () => {
    throw Object.assign(new Error(), { code: 'EMFILE' });
  });
  syncBuiltinESMExports();
  t.after(syncBuiltinESMExports);

  clock.advance(1000);
  assert.deepEqual(lookup(hosts, 'reviews'), ['10.0.0.1']);
  mock.restore();
  syncBuiltinESMExports();
  clock.advance(1000);

  assert.deepEqual(lookup(hosts, 'reviews'), ['10.0.0.22']);
});
