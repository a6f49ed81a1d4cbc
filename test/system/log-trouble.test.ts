import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '../rig/eventually.ts';
import { makeCaller } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { closedLoop, tallyOf } from '../rig/load.ts';
import { type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';

/** A sidecar that logs every request, and those who use it. */
const start = async (t: TestContext, shell: string) => {
  const upstream = await startHttpUpstream(t);
  const config = { upstreams: { u: { hosts: ['u.test'], endpoints: [upstream.address] } } };
  const sidecar = await startSidecarProcess(t, config, { shell });
  const caller = makeCaller(t, sidecar.egress);
  const path = `/${'x'.repeat(4000)}`;
  const serves = async (count: number): Promise<void> => {
    const results = await closedLoop(count, 8, () => caller.call({ path }));
    assert.deepEqual(tallyOf(results), { 200: count });
  };
  return { sidecar, serves };
};

const dropped = async (sidecar: SidecarProcess): Promise<number> =>
  (await sidecar.metrics()).sum('log_lines_dropped_total', {});

test('a full disk under the log costs lines, which are counted; when there is room again, lines are written again', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'log');
  // No file of this process may be larger than that: the system then says so to a write, and by SIGXFSZ.
  const { sidecar, serves } = await start(t, `ulimit -f 64; exec >>'${file}'`);

  await serves(100);
  await eventually('lines were dropped', async () => (await dropped(sidecar)) > 50);
  const full = readFileSync(file, 'utf8');
  truncateSync(file);
  await serves(10);
  await eventually('lines are written again', () => readFileSync(file, 'utf8').includes('exchange.ended'));

  assert.equal(await sidecar.drained(), 0);
  const lines = (full + readFileSync(file, 'utf8')).split('\n').filter((line) => line.endsWith('}'));
  for (const line of lines) assert.ok(JSON.parse(line));
});

test('a reader of the log that is stuck, and then gone, costs lines and nothing else', async (t) => {
  const { sidecar, serves } = await start(t, ':');
  sidecar.child.stdout!.pause();

  // More than the pipe and the process keep.
  await serves(1100);
  await eventually('lines were dropped', async () => (await dropped(sidecar)) > 0);
  const whileStuck = await dropped(sidecar);
  sidecar.child.stdout!.destroy();
  await serves(10);
  await eventually('more were', async () => (await dropped(sidecar)) > whileStuck);

  assert.equal(await sidecar.drained(), 0);
});

test('nobody who reads standard error is no reason to end', async (t) => {
  const { sidecar, serves } = await start(t, ':');
  sidecar.child.stderr!.destroy();
  sidecar.child.kill('SIGTERM');
  sidecar.child.kill('SIGHUP');

  await serves(10);

  await eventually('it has ended', () => sidecar.child.exitCode !== null);
  assert.equal(sidecar.child.exitCode, 0);
});
