import assert from 'node:assert/strict';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { contentMark, type ReadFiles, readConfigFile } from '../../src/config/config-file.ts';
import { ConfigWatcher } from '../../src/config/config-watcher.ts';
import { eventually } from '../rig/eventually.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

const filesRead = (...paths: readonly string[]): ReadFiles =>
  new Map(paths.map((path) => [path, contentMark(readConfigFile(path))]));

const setUp = (t: TestContext, write: (folder: string) => string) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-watch-'));
  const path = write(folder);
  const clock = new VirtualClock();
  const told = { times: 0 };
  const watcher = new ConfigWatcher({
    path,
    read: filesRead(path),
    clock,
    onChange: () => {
      told.times += 1;
    },
  });
  t.after(() => {
    watcher.close();
    rmSync(folder, { recursive: true, force: true });
    assert.equal(clock.pendingTimers, 0);
  });
  /** Lets time pass, the folder's news come in, and so on, until it has been told so often. */
  const isTold = (times: number, stepMs = 50): Promise<void> =>
    eventually(`it is told of ${times} changes`, () => {
      clock.advance(stepMs);
      return told.times >= times;
    });
  return { folder, path, clock, told, watcher, isTold };
};

const plainFile = (folder: string): string => {
  const path = join(folder, 'outrigger.yaml');
  writeFileSync(path, 'a: 1\n');
  return path;
};

test('a file that is written anew is told of, once', async (t) => {
  const { path, told, isTold } = setUp(t, plainFile);
  writeFileSync(path, 'a: 2\n');
  await isTold(1);
  writeFileSync(path, 'a: 3\n');
  await isTold(2);
  assert.equal(told.times, 2);
});

test('another file in its place is told of, as editors and deployments do it', async (t) => {
  const { folder, path, isTold } = setUp(t, plainFile);
  for (const text of ['a: 2\n', 'a: 3\n']) {
    writeFileSync(join(folder, '.new'), text);
    renameSync(join(folder, '.new'), path);
    await isTold(Number(text[3]) - 1);
  }
});

/** As the kubelet lays a ConfigMap out: the file is a link through a link that is swapped. */
const configMap = (folder: string): string => {
  mkdirSync(join(folder, '..1'));
  writeFileSync(join(folder, '..1', 'outrigger.yaml'), 'version: 1\n');
  symlinkSync('..1', join(folder, '..data'));
  symlinkSync(join('..data', 'outrigger.yaml'), join(folder, 'outrigger.yaml'));
  return join(folder, 'outrigger.yaml');
};

const swapConfigMap = (folder: string, version: number): void => {
  const before = readlinkSync(join(folder, '..data'));
  mkdirSync(join(folder, `..${version}`));
  writeFileSync(join(folder, `..${version}`, 'outrigger.yaml'), `version: ${version}\n`);
  symlinkSync(`..${version}`, join(folder, '..data_tmp'));
  renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  rmSync(join(folder, before), { recursive: true });
};

test('a ConfigMap that is swapped is told of', async (t) => {
  const { folder, isTold } = setUp(t, configMap);
  swapConfigMap(folder, 2);
  await isTold(1);
});

test('of twenty swaps in a row the last one is told of', async (t) => {
  const { folder, clock, told, isTold } = setUp(t, configMap);
  for (let version = 2; version <= 21; version += 1) {
    swapConfigMap(folder, version);
    await new Promise(setImmediate);
    clock.advance(50);
  }
  assert.equal(told.times, 0);
  await isTold(1);
  clock.advance(60_000);
  await new Promise(setImmediate);
  assert.equal(told.times, 1);
});

test('content that is still being written waits until it stands still', async (t) => {
  const { path, clock, told, isTold } = setUp(t, plainFile);
  writeFileSync(path, 'upstreams:\n');
  for (let line = 0; line < 10; line += 1) {
    appendFileSync(path, `  u${line}: {}\n`);
    await new Promise(setImmediate);
    clock.advance(200);
  }
  assert.equal(told.times, 0);
  await isTold(1);
});

test('the same content again, and whatever else goes on in the folder, is no change', async (t) => {
  const { folder, path, told, isTold } = setUp(t, plainFile);
  writeFileSync(path, 'a: 1\n');
  writeFileSync(join(folder, 'other.log'), 'x\n');
  // What comes after it in the same folder was told of: so the others were seen, and told to nobody.
  writeFileSync(join(folder, '.new'), 'a: 2\n');
  renameSync(join(folder, '.new'), path);
  await isTold(1);
  assert.equal(told.times, 1);
});

test('a file that goes away is told of once, and again when it comes back', async (t) => {
  const { path, clock, told, isTold } = setUp(t, plainFile);
  unlinkSync(path);
  await isTold(1);
  clock.advance(60_000);
  assert.equal(told.times, 1);
  writeFileSync(path, 'a: 1\n');
  await isTold(2);
});

test('a folder that is put in the place of the one before is found at the next look', async (t) => {
  const folderOf = (root: string): string => join(root, 'etc');
  const { folder, isTold } = setUp(t, (root) => {
    mkdirSync(folderOf(root));
    return plainFile(folderOf(root));
  });
  renameSync(folderOf(folder), join(folder, 'old'));
  mkdirSync(folderOf(folder));
  writeFileSync(join(folderOf(folder), 'outrigger.yaml'), 'a: 2\n');
  await isTold(1, 1000);
  writeFileSync(join(folderOf(folder), 'outrigger.yaml'), 'a: 3\n');
  await isTold(2);
});

test('a file that the configuration names is told of too', async (t) => {
  const { folder, path, watcher, isTold } = setUp(t, plainFile);
  const body = join(folder, 'body.json');
  writeFileSync(body, '{}');
  watcher.wasRead(filesRead(path, body));
  writeFileSync(body, '{"a":1}');
  await isTold(1);
});

test('what somebody has read meanwhile is not told of', async (t) => {
  const { path, told, watcher, isTold } = setUp(t, plainFile);
  writeFileSync(path, 'a: 2\n');
  watcher.wasRead(filesRead(path));
  writeFileSync(path, 'a: 3\n');
  await isTold(1);
  assert.equal(told.times, 1);
});

test('what was seen once and withdrawn has to stand still when it comes again', (t) => {
  const { path, clock, told } = setUp(t, plainFile);
  // All looks are those of every ten seconds, 200 ms later: nothing waits here for what the folder tells.
  clock.advance(10_000);
  writeFileSync(path, '');
  clock.advance(200);
  writeFileSync(path, 'a: 1\n');
  clock.advance(200);
  writeFileSync(path, '');

  clock.advance(9_800);

  assert.equal(told.times, 0);
  clock.advance(200);
  assert.equal(told.times, 1);
});
