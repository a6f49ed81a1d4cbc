/**
 * Runs the image that `build.sh` has made as a container runtime would, and says what it takes: as its own user without
 * capabilities, on a read-only root, as process 1, on a network of its own, with 128 MiB of memory. Needs root, curl and
 * util-linux. `node deploy/image/try.ts [ARCHIVE]`; ends with 1 at the first thing that is not as it should be.
 */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import project from '../../package.json' with { type: 'json' };
import { addMountPoints, Container, forgetPages, type ImageConfig, unpack } from './container.ts';
import { filesIn, lookForSecrets, lookInside, mib } from './image-content.ts';
import { call, HoldingUpstream, plainLoad, until } from './image-load.ts';
import { MemoryLimit } from './memory-limit.ts';

const archive = process.argv[2] ?? 'dist/outrigger-image.tar';
const limitBytes = 128 * 2 ** 20;

// The ports of the default configuration must be free: all happens on a loopback device of our own.
if (process.env['OUTRIGGER_TRY'] !== 'inside') {
  const inside = 'ip link set lo up && exec "$0" "$@"';
  const args = ['--net', '--mount', 'sh', '-c', inside, process.execPath, ...process.argv.slice(1)];
  const { status } = spawnSync('unshare', args, {
    stdio: 'inherit',
    env: { ...process.env, OUTRIGGER_TRY: 'inside' },
  });
  process.exit(status ?? 1);
}

const work = mkdtempSync(join(tmpdir(), 'outrigger-try-'));
const root = join(work, 'root');
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

interface Start {
  readonly env?: readonly string[];
  readonly volumes?: Readonly<Record<string, string>>;
  readonly group?: string;
  readonly isReadOnly?: boolean;
}

const startIn = (config: ImageConfig, command: readonly string[], more: Start = {}): Container =>
  new Container({ root, user: config.User, command, ...more, env: [...config.Env, ...(more.env ?? [])] });

const run = (config: ImageConfig, more: Start = {}): Container =>
  startIn(config, [...config.Entrypoint, ...config.Cmd], more);

const health = async (
  config: ImageConfig,
  more: Start = {},
): Promise<{ code: number | null; output: string }> => {
  assert.equal(config.Healthcheck.Test[0], 'CMD', 'HEALTHCHECK needs no shell');
  return startIn(config, config.Healthcheck.Test.slice(1), more).ended;
};

/** As often as a runtime asks before it calls a container unhealthy: this machine may be busy. */
const expectHealthy = async (config: ImageConfig, more: Start): Promise<void> => {
  for (let left = 3; ; left--) {
    const { code, output } = await health(config, more);
    if (code === 0) return;
    assert.ok(left > 1, `HEALTHCHECK: ${output}`);
    say(`HEALTHCHECK failed once: ${output}`);
  }
};

const isReady = (port: number) => async (): Promise<boolean> =>
  (await call({ port, target: '/readyz' }).catch(() => null))?.status === 200;

const stopped = async (config: ImageConfig, container: Container): Promise<void> => {
  container.stop(config.StopSignal);
  const { code, output } = await container.ended;
  assert.equal(code, 0, output);
  say(`${config.StopSignal}: exit code 0`);
};

/** Tries to make a file in each folder and to open each file for writing; what can be is printed. */
const writeEverywhere = `
  const fs = require('node:fs');
  const walk = (path) => {
    for (const entry of fs.readdirSync(path || '/', { withFileTypes: true })) {
      const each = path + '/' + entry.name;
      if (each === '/proc' || each === '/sys' || each === '/dev') continue;
      if (entry.isDirectory()) walk(each);
      else try { fs.closeSync(fs.openSync(each, 'r+')); console.log(each); } catch {}
    }
    try { fs.writeFileSync(path + '/made', ''); console.log(path + '/made'); } catch {}
  };
  walk('');
  console.log('done');`;

const tryDefaults = async (config: ImageConfig, group: string): Promise<void> => {
  const upstream = new HoldingUpstream();
  const port = await upstream.listen();
  const container = run(config, { group });
  await until(`ready: ${container.output}`, isReady(7401));
  const curl = [
    '-s',
    '--noproxy',
    '',
    '-x',
    'http://127.0.0.1:7400',
    '-w',
    '%{http_code}',
    '-o',
    '/dev/null',
  ];
  const { stdout } = await promisify(execFile)('curl', [...curl, `http://127.0.0.1:${port}/`]);
  assert.equal(stdout, '200');
  const identity = ['Uid', 'Gid', 'Groups', 'CapInh', 'CapPrm', 'CapEff', 'CapAmb', 'NoNewPrivs', 'NSpid'];
  say(identity.map((field) => `${field} ${container.status(field).replaceAll('\t', ' ')}`).join('; '));
  assert.match(container.status('Uid'), /^65532\t65532\t65532\t65532$/);
  for (const field of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) assert.match(container.status(field), /^0+$/);
  await expectHealthy(config, { group });
  const elsewhere = await health(config, { group, env: ['OUTRIGGER_ADMIN=127.0.0.1:9'] });
  assert.equal(elsewhere.code, 1);
  say('a request through it, /readyz and HEALTHCHECK: fine');
  await stopped(config, container);
  assert.match(container.output, /"event":"process.drained"/);
  for (const isReadOnly of [true, false]) {
    const command = [config.Entrypoint[0]!, '-e', writeEverywhere];
    assert.deepEqual(await startIn(config, command, { isReadOnly }).ended, { code: 0, output: 'done\n' });
  }
  say('nothing can be written, even where the root is not read-only');
  const app = "process.exit(process.env.HTTP_PROXY === 'http://127.0.0.1:7400' ? 7 : 1)";
  const wrapped = [...config.Entrypoint, 'exec', '--', config.Entrypoint[0]!, '-e', app];
  const { code, output } = await startIn(config, wrapped, { isReadOnly: true }).ended;
  assert.equal(code, 7, output);
  say('exec runs a program beside the sidecar and ends with its code');
  upstream.close();
};

/** As with `-v outrigger.yaml:/etc/outrigger/outrigger.yaml:ro`. */
const configFile = (port: number): string => {
  const file = join(work, 'outrigger.yaml');
  const upstream = {
    endpoints: [`127.0.0.1:${port}`],
    bulkhead: { concurrency: 400 },
    pool: { connectionsPerEndpoint: 400 },
    breaker: { force: 'closed' },
    // What is held must not end by itself while this machine is busy with other things.
    timeout: { total: '120s' },
  };
  writeFileSync(file, JSON.stringify({ admin: { address: '127.0.0.1:9901' }, upstreams: { u: upstream } }));
  return file;
};

const tryUnderLoad = async (config: ImageConfig, limit: MemoryLimit): Promise<void> => {
  for (const { path, bytes } of filesIn(root)) if (bytes > 2 ** 20) forgetPages(join(root, path));
  const upstream = new HoldingUpstream();
  const more = {
    group: limit.folder,
    volumes: { '/etc/outrigger/outrigger.yaml': configFile(await upstream.listen()) },
  };
  const container = run(config, more);
  await until(`ready: ${container.output}`, isReady(9901));
  await expectHealthy(config, more);
  say('HEALTHCHECK finds the admin interface where a mounted file has moved it');
  const report = (when: string): void => {
    const { peak, anonymous, file, kills } = limit.memory;
    const kib = (field: string): string => mib(Number.parseInt(container.status(field), 10) * 1024);
    say(
      `${when}: the process has ${kib('VmRSS')} (${kib('RssAnon')} of its own, ${kib('RssFile')} files); ` +
        `the container ${mib(anonymous)} of its own, ${mib(file)} files, at most ${mib(peak)}, ${kills} killed`,
    );
  };
  report('idle');
  assert.equal(await plainLoad(7400, 'http://u/', 20_000, 64), 0);
  report('after 20,000 requests');
  // 280 records of 64 KiB are more than the 16 MiB that there are: the last ones are not recorded.
  const headers = { host: 'u', 'idempotency-key': 'k', 'content-length': '65536' };
  const body = Buffer.alloc(65_536, 'b');
  const held = Array.from({ length: 280 }, () =>
    call({ port: 7400, target: 'http://u/', method: 'POST', headers, body }),
  );
  // Either all are received, or one of them ends too early and says why.
  await Promise.race([until('all are received', () => upstream.received === held.length), Promise.all(held)]);
  report('with 16 MiB of replay records');
  assert.equal(await plainLoad(7400, 'http://u/', 20_000, 64), 0);
  await expectHealthy(config, more);
  report('and 20,000 requests and a HEALTHCHECK meanwhile');
  upstream.release();
  for (const { status } of await Promise.all(held)) assert.equal(status, 503);
  const { text } = await call({ port: 9901, target: '/metrics' });
  const skipped = text.split('\n').filter((line) => line.includes('replay_full'));
  assert.ok(skipped.length > 0, 'the records were all in use: others were refused');
  say(skipped.join('\n'));
  report('after that');
  assert.equal(limit.memory.kills, 0, 'nothing was killed for its memory');
  await stopped(config, container);
  upstream.close();
};

/** What an app image takes is enough by itself: in a root with nothing else, by the loader that comes with it. */
const tryAsStage = async (config: ImageConfig): Promise<void> => {
  const bare = join(work, 'bare');
  mkdirSync(bare);
  cpSync(join(root, 'outrigger'), join(bare, 'outrigger'), { recursive: true, verbatimSymlinks: true });
  addMountPoints(bare);
  const loader = ['/outrigger/lib/ld.so', '--library-path', '/outrigger/lib', '/outrigger/node'];
  const command = [...loader, '/outrigger/outrigger.js', '--version'];
  const { code, output } = await new Container({ root: bare, user: '1000', command, env: config.Env }).ended;
  assert.deepEqual({ code, output }, { code: 0, output: `${project.version}\n` });
  say('/outrigger runs in a root without any library, too');
};

/** With a limit of its own for each, so that the peak of one is not that of another. */
const withLimit = async (act: (limit: MemoryLimit) => Promise<void>): Promise<void> => {
  const limit = new MemoryLimit(limitBytes);
  try {
    await act(limit);
  } finally {
    await Container.killAll();
    limit.remove();
  }
};

try {
  const config = unpack(archive, root);
  for (const line of lookInside(root, archive)) say(line);
  say(`labels: ${JSON.stringify(config.Labels)}`);
  lookForSecrets(root, archive);
  addMountPoints(root);
  await withLimit((limit) => tryDefaults(config, limit.folder));
  await withLimit((limit) => tryUnderLoad(config, limit));
  await tryAsStage(config);
} finally {
  rmSync(work, { recursive: true, force: true });
}
