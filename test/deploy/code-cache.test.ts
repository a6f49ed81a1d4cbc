import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cacheOf, compileProgram, programIn } from '../../deploy/start/compiled-program.ts';
import project from '../../package.json' with { type: 'json' };

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'outrigger-cache-'));
const built = join(folder, 'built');
after(() => rmSync(folder, { recursive: true }));

const script = (name: string): string => fileURLToPath(new URL(`../../deploy/${name}`, import.meta.url));

before(async () => {
  await run(process.execPath, [script('bundle.ts'), built]);
  await run(process.execPath, [script('start/code-cache.ts'), built]);
});

/** A copy of the bundle, with this in place of its cache; null: with none. */
const withCache = (name: string, cache: Uint8Array | null): string => {
  const copy = join(folder, name);
  cpSync(built, copy, { recursive: true });
  const file = cacheOf(programIn(copy));
  if (cache === null) rmSync(file);
  else writeFileSync(file, cache);
  return copy;
};

const versionOf = async (bundle: string): Promise<string> =>
  (await run(process.execPath, [join(bundle, 'outrigger.js'), '--version'])).stdout;

test('the bundle starts from what was compiled when it was built', async () => {
  assert.equal(compileProgram(programIn(built)).isFromCache, true);
  assert.equal(await versionOf(built), `${project.version}\n`);
});

test('what the first answers need is in the cache too, and not only what the start needs', () => {
  const cache = readFileSync(cacheOf(programIn(built)));
  const atOnce = compileProgram(programIn(withCache('plain', null))).script.createCachedData();
  assert.ok(cache.length > 2 * atOnce.length, `${cache.length} bytes, ${atOnce.length} without having run`);
});

test('without a cache, or with that of another program, the bundle compiles itself', async () => {
  const other = compileProgram(join(built, 'health.js')).script.createCachedData();
  const bundles = [
    withCache('none', null),
    withCache('other', other),
    withCache('no-cache', Buffer.from('?')),
  ];
  for (const bundle of bundles) {
    assert.equal(compileProgram(programIn(bundle)).isFromCache, false);
    assert.equal(await versionOf(bundle), `${project.version}\n`);
  }
});

test('a defect is told with its place in the program', async () => {
  const bundle = withCache('broken', null);
  writeFileSync(programIn(bundle), "(function () {\nthrow new Error('on the second line');\n})");
  const { stderr } = await run(process.execPath, [join(bundle, 'outrigger.js')]).catch((error) => error);
  assert.match(stderr, /program\.js:2\n/);
  assert.match(stderr, /Error: on the second line/);
});

test('a bundle that is made anew does not start from what the last one left', async () => {
  const again = withCache('again', readFileSync(cacheOf(programIn(built))));
  await run(process.execPath, [script('bundle.ts'), again]);
  assert.equal(compileProgram(programIn(again)).isFromCache, false);
});

test('the cache is made whatever the environment says of sidecars', async () => {
  const copy = withCache('environment', null);
  const env = { ...process.env, OUTRIGGER_LOG_LEVEL: 'error', OUTRIGGER_CONFIG: '/nowhere.yaml' };
  await run(process.execPath, [script('start/code-cache.ts'), copy], { env });
  assert.equal(compileProgram(programIn(copy)).isFromCache, true);
});

test('who copies only the file to start is told what is missing', async () => {
  const alone = join(folder, 'alone.js');
  cpSync(join(built, 'outrigger.js'), alone);
  await assert.rejects(run(process.execPath, [alone, '--version']), {
    code: 1,
    stderr: `outrigger: ${programIn(folder)} is missing: copy the whole folder that was built\n`,
  });
});

test('the option that the start sets is one that this V8 knows', async () => {
  const text = readFileSync(join(built, 'outrigger.js'), 'utf8');
  const [, option = ''] = /setFlagsFromString\(\s*"([^"]+)"/.exec(text) ?? [];
  assert.match(option, /^--/);
  const code = `process.getBuiltinModule('node:v8').setFlagsFromString(${JSON.stringify(option)})`;
  const { stderr } = await run(process.execPath, ['--eval', code]);
  assert.equal(stderr, '');
});
