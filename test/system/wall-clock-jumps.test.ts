import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { postAdmin } from '../rig/admin-post.ts';
import { eventually } from '../rig/eventually.ts';
import { makeCaller, statusOrCode } from '../rig/http-call.ts';
import { startHttpUpstream } from '../rig/http-upstream.ts';
import { fetchText } from '../rig/metrics.ts';
import { startRawUpstream } from '../rig/raw-upstream.ts';
import { freePort, type SidecarProcess, startSidecarProcess } from '../rig/sidecar-process.ts';

const architecture = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch;
/** The library of Debian's package `faketime`. */
const library = `/usr/lib/${architecture}-linux-gnu/faketime/libfaketimeMT.so.1`;
const missing = existsSync(library) ? false : 'faketime is not installed';

/** A date that can be set, as a whole process sees it; what it measures time by stays as it is. */
const settableDate = (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-date-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'date');
  const set = (text: string): void => writeFileSync(file, text);
  set('+0');
  const shell = [
    `export LD_PRELOAD=${library} FAKETIME_TIMESTAMP_FILE='${file}' FAKETIME_NO_CACHE=1`,
    'FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1',
  ].join(' ');
  return { set, shell };
};

const breaker = async ({ admin }: SidecarProcess, name: string) =>
  JSON.parse((await fetchText(admin, `/breakers/${name}`)).text) as Readonly<Record<string, unknown>>;

const jumps = { 'an hour forward': '+3600', 'an hour back': '-3600', 'to ten times its speed': '+0 x10' };

for (const [name, date] of Object.entries(jumps)) {
  test(`a date that jumps ${name} ends nothing too soon, and keeps nothing from ending`, {
    skip: missing,
  }, async (t) => {
    const { set, shell } = settableDate(t);
    const dead = await freePort();
    const healthy = await startHttpUpstream(t);
    const one = { breaker: { consecutive: 1, sleep: '30m' }, retry: { attempts: 1 } };
    const sidecar = await startSidecarProcess(
      t,
      {
        upstreams: {
          long: { hosts: ['long.test'], endpoints: [`127.0.0.1:${dead}`], ...one },
          short: {
            hosts: ['short.test'],
            endpoints: [`127.0.0.1:${dead}`],
            ...one,
            breaker: { consecutive: 1, sleep: '2s' },
          },
          pair: {
            hosts: ['pair.test'],
            endpoints: [`127.0.0.1:${dead}`, healthy.address],
            breaker: { volume: 1000 },
          },
        },
      },
      { shell },
    );
    const startedAt = performance.now();
    const caller = makeCaller(t, sidecar.egress);
    const call = async (host: string) => statusOrCode(await caller.call({ host: `${host}.test` }));
    const isPassedOver = (change: string) => () =>
      sidecar.log.some((line) => line['upstream'] === 'pair' && line['change'] === change);
    await postAdmin(sidecar.admin, '/breakers/pair', { force: 'closed', ttl: '30m' });
    assert.deepEqual([await call('long'), await call('short')], [502, 502]);
    await eventually('an endpoint is passed over', async () => {
      assert.equal(await call('pair'), 200);
      return isPassedOver('passed_over')();
    });

    set(date);

    assert.equal(await call('long'), 503, 'it is open for half an hour still');
    const { forceExpiresInMs, force } = await breaker(sidecar, 'pair');
    assert.equal(force, 'closed');
    assert.ok(Number(forceExpiresInMs) > 20 * 60_000 && Number(forceExpiresInMs) <= 30 * 60_000);
    const tokens = (await sidecar.metrics()).sum('retry_budget_tokens', { upstream: 'pair' });
    assert.ok(tokens >= 0 && tokens < 1000, `${tokens} tokens`);
    await startRawUpstream(t, undefined, dead);
    await eventually(
      'what sleeps for two seconds is probed, and closes',
      async () => (await call('short')) === 200,
      20_000,
    );
    await eventually(
      'the endpoint is used again',
      async () => (await call('pair')) === 200 && isPassedOver('available')(),
      20_000,
    );
    assert.equal(await call('long'), 503, 'it is open for half an hour still');
    for (const line of sidecar.accessLog) {
      for (const key of ['queueMs', 'connectMs', 'totalMs']) {
        assert.ok(Number(line[key]) >= -1 && Number(line[key]) < 60_000, `${key} is ${line[key]}`);
      }
    }
    const dates = sidecar.accessLog.map(({ time }) => Date.parse(String(time)));
    const tookMs = performance.now() - startedAt;
    assert.ok(Math.max(...dates) - Math.min(...dates) > 2 * tookMs, 'the date has jumped');
    assert.equal(await sidecar.drained(), 0);
  });
}
