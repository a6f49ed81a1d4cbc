import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { dashboardFiles } from '../../src/admin/dashboard-files.ts';
import { HttpCaller } from '../rig/http-call.ts';
import { fetchText } from '../rig/metrics.ts';
import { startSidecarProcess } from '../rig/sidecar-process.ts';
import { ask, startAdmin } from './admin-fixture.ts';

const files = dashboardFiles();

/** Where the modules of the dashboard lead: what they import, as the paths that the browser will ask for. */
const importsOf = (path: string, text: string): string[] =>
  // Types are imported in comments, and never asked for.
  [...text.replaceAll(/\/\*\*.*?\*\//gs, '').matchAll(/(?:^|[;}\s])(?:import|from)\s*["']([^"']+)["']/g)].map(
    ([, specifier = '']) =>
      specifier.startsWith('.')
        ? new URL(specifier, `http://localhost${path}`).pathname
        : (files.imports[specifier] ?? specifier),
  );

test('every module, style and picture that the pages and their modules ask for is served', () => {
  const asked = Object.entries(files.assets)
    .filter(([path]) => path.endsWith('.js'))
    .flatMap(([path, text]) => importsOf(path, text));
  const linked = Object.values(files.pages).flatMap((page) =>
    [...page.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map(([, path = '']) => path),
  );

  const missing = [...asked, ...linked].filter((path) => !(path in files.assets));

  assert.deepEqual(missing, []);
  assert.ok(asked.includes('/assets/vendor/preact.js') && asked.includes('/assets/board/board.js'));
});

test('the page allows its own files and the one inline import map, by its hash', async (context) => {
  const { tcpPort } = await startAdmin(context);

  const { status, headers, body } = await ask(tcpPort, { path: '/' });

  const [, importMap = ''] = /<script type="importmap">([^<]*)<\/script>/.exec(body) ?? [];
  const hash = createHash('sha256').update(importMap).digest('base64');
  assert.equal(status, 200);
  assert.deepEqual(JSON.parse(importMap), { imports: files.imports });
  assert.equal(
    headers.get('content-security-policy'),
    `default-src 'none'; script-src 'self' 'sha256-${hash}'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
  );
  assert.doesNotMatch(body.replace(importMap, ''), /<script(?![^>]*(src|importmap))|<style|style=| on\w+=/);
});

test('nothing that the dashboard loads lies outside the sidecar', () => {
  for (const [path, text] of [...Object.entries(files.assets), ...Object.entries(files.pages)]) {
    const outside =
      text.match(/(?:(?:src|href)=|url\(|@import |\bfrom ?(?=["']))["']?(?:https?:)?\/\/[\w.]+/g) ?? [];
    assert.deepEqual(outside, [], path);
    assert.doesNotMatch(text, /sourceMappingURL/, path);
  }
});

test('a file is sent zipped to who can unzip it, and not again to who has it', async (context) => {
  const { tcpPort } = await startAdmin(context);
  const caller = new HttpCaller({ host: '127.0.0.1', port: tcpPort });
  context.after(() => caller.close());
  const path = '/assets/board/board.js';
  const get = async (headers: Record<string, string>) => {
    const result = await caller.call({ path, host: 'localhost', headers });
    assert.ok(result.kind === 'answer');
    return result;
  };

  const zipped = await get({ 'Accept-Encoding': 'br, gzip' });
  const plain = await get({});
  const again = await get({ 'If-None-Match': `"x", ${plain.headers.etag}` });

  assert.equal(zipped.headers['content-encoding'], 'gzip');
  assert.equal(gunzipSync(zipped.body).toString(), files.assets[path]);
  assert.equal(plain.body.toString(), files.assets[path]);
  assert.equal(plain.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.deepEqual([again.status, again.body.length], [304, 0]);
});

for (const path of [
  '/assets/../../etc/passwd',
  '/assets/%2e%2e/%2e%2e/etc/passwd',
  '/assets/..%2f..%2fetc%2fpasswd',
  '/assets/%252e%252e%252fetc%252fpasswd',
  '/assets/admin/dashboard/..\\..\\server.ts',
  '/assets/admin/dashboard/index.html',
  '/assets/admin/dashboard/tsconfig.json',
  '/assets/admin/server.ts',
  '/assets/board/board.js%00.css',
  '/assets/board/',
  '/assets/__proto__',
  '/assets/vendor/constructor',
]) {
  test(`${path} is no file of the dashboard`, async (context) => {
    const { tcpPort } = await startAdmin(context);

    assert.equal((await ask(tcpPort, { path })).status, 404);
  });
}

test('the bundle has the dashboard in it, and the licences of all that others wrote', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-bundle-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const build = fileURLToPath(new URL('../../deploy/bundle.ts', import.meta.url));

  await promisify(execFile)(process.execPath, [build, folder]);

  const { admin } = await startSidecarProcess(context, {}, { program: join(folder, 'outrigger.js') });
  const served = await Promise.all(Object.keys(files.assets).map((path) => fetchText(admin, path)));
  const licences = readFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  assert.deepEqual(
    served.map(({ text }) => text),
    Object.values(files.assets),
  );
  assert.match((await fetchText(admin, '/')).text, /<script type="importmap">/);
  // One character beyond ASCII, and the runtime keeps the whole text in two bytes a character.
  for (const name of ['program.js', 'undici.js', 'health.js'])
    assert.equal(
      readFileSync(join(folder, name)).findIndex((byte) => byte > 127),
      -1,
    );
  for (const name of ['preact', 'htm', 'uplot', '@preact/signals', 'opossum', 'pino', 'commander'])
    assert.match(licences, new RegExp(`^${name} \\d+\\.`, 'm'), name);
});
