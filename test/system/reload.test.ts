import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { fetchText } from '../rig/metrics.ts';
import { type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';

/** The configuration as it was at the start, with one more upstream. */
const withUpstream = ({ configText }: SidecarProcess, name: string): string => {
  const config = JSON.parse(configText) as { upstreams: Record<string, object> };
  return JSON.stringify({ ...config, upstreams: { ...config.upstreams, [name]: {} } });
};

const put = ({ file }: SidecarProcess, text: string): void => {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
};

test('a file that changes is taken over by itself, and SIGHUP reads it at once', async (t) => {
  const sidecar = await startSidecarProcess(t, { upstreams: { a: {} } });

  put(sidecar, withUpstream(sidecar, 'b'));
  assert.equal((await sidecar.logged('config.reloaded'))['why'], 'upstreams added: b');
  sidecar.child.kill('SIGHUP');

  assert.equal((await sidecar.logged('config.reloaded', 1))['why'], 'nothing is different');
  assert.equal((await fetchText(sidecar.admin, '/breakers/b')).status, 200);
  assert.equal(await sidecar.drained(), 0);
});

/** What may stand where the configuration was, how it comes there, and what is said of it. */
const bad: readonly (readonly [what: string, put: (sidecar: SidecarProcess) => void, says: RegExp])[] = [
  [
    'half of it',
    (sidecar) => writeFileSync(sidecar.file, sidecar.configText.slice(0, sidecar.configText.length / 2)),
    /\.json:\d+:\d+: /,
  ],
  ['nothing', ({ file }) => writeFileSync(file, ''), /\.json:1:1: the file is empty/],
  [
    'a directory',
    ({ file }) => {
      unlinkSync(file);
      mkdirSync(file);
    },
    /is a directory/,
  ],
  [
    'a FIFO',
    ({ file }) => {
      rmSync(file, { recursive: true });
      spawnSync('mkfifo', [file]);
    },
    /is not a regular file/,
  ],
  ['a hundred megabytes', (sidecar) => put(sidecar, 'x'.repeat(100_000_000)), /is larger than 1MiB/],
  [
    'no UTF-8',
    ({ file }) => writeFileSync(file, Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe])),
    /is not UTF-8 text/,
  ],
  ['no file', ({ file }) => unlinkSync(file), /there is no such file/],
];

test('whatever bad thing is put in its place, the configuration in force goes on, and each is told once', async (t) => {
  const upstream = await startHttpUpstream(t);
  const sidecar = await startSidecarProcess(t, { upstreams: { u: { endpoints: [upstream.address] } } });
  const caller = makeCaller(t, sidecar.egress);

  for (const [index, [what, putIt, says]] of bad.entries()) {
    putIt(sidecar);
    const { level, result, why } = await sidecar.logged('config.reloaded', index);
    assert.deepEqual({ what, level, result }, { what, level: 'error', result: 'failed' });
    assert.match(String(why), says, what);
    assert.equal(statusOrCode(await caller.call({ host: 'u' })), 200, what);
    assert.equal((await fetchText(sidecar.admin, '/readyz')).status, 200, what);
    assert.equal((await sidecar.metrics()).sum('config_last_reload_success'), 0, what);
  }
  assert.equal((await sidecar.metrics()).sum('config_reloads_total', { result: 'failure' }), bad.length);

  put(sidecar, withUpstream(sidecar, 'b'));
  assert.equal((await sidecar.logged('config.reloaded', bad.length))['result'], 'succeeded');
  assert.equal((await sidecar.metrics()).sum('config_last_reload_success'), 1);
});

const isRoot = process.getuid?.() === 0;

test('a file that may not be read is told of', { skip: isRoot && 'root may read everything' }, async (t) => {
  const sidecar = await startSidecarProcess(t, {});
  chmodSync(sidecar.file, 0o000);
  sidecar.child.kill('SIGHUP');
  assert.match(String((await sidecar.logged('config.reloaded'))['why']), /may not be read/);
});
