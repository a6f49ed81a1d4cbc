import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import project from '../../package.json' with { type: 'json' };

const launcher = fileURLToPath(new URL('../../bin/outrigger.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'outrigger-launcher-'));
after(() => rmSync(folder, { recursive: true }));

/** A checkout with these files, and a launcher that believes to run on this version of Node. */
const launchOn = (
  version: string,
  ...files: string[]
): { code: number | null; stdout: string; stderr: string } => {
  const root = mkdtempSync(join(folder, 'root-'));
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  for (const file of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), `console.log('started ${file}');`);
  }
  mkdirSync(join(root, 'bin'));
  cpSync(launcher, join(root, 'bin/outrigger.js'));
  const versions = `Object.defineProperty(process, 'versions', { value: { node: '${version}' } })`;
  const preload = `data:text/javascript,${encodeURIComponent(versions)}`;
  const args = ['--import', preload, join(root, 'bin/outrigger.js')];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  return { code: status, stdout, stderr };
};

test('the versions that the launcher accepts are those of package.json', () => {
  assert.ok(readFileSync(launcher, 'utf8').includes(`'${project.engines.node}'`));
});

test('a Node outside the range is refused in one line that names both versions', () => {
  for (const version of ['12.22.12', '20.20.2', '24.18.0', '25.9.0', '26.5.0', '26.0.9']) {
    const { code, stdout, stderr } = launchOn(version, 'dist/outrigger.js');
    assert.equal(code, 1, version);
    assert.equal(stdout, '');
    assert.match(stderr, /^outrigger: this is Node [^\n]+\n$/);
    assert.ok(stderr.includes(version) && stderr.includes(project.engines.node));
  }
});

test('a Node within the range is taken', () => {
  for (const version of ['24.18.1', '24.19.0', '26.5.1', '26.10.0', '27.0.0']) {
    assert.equal(launchOn(version, 'dist/outrigger.js').stdout, 'started dist/outrigger.js\n', version);
  }
});

test('the line says how to get the Node that the project brings', () => {
  const commander = 'node_modules/commander/package.json';
  assert.match(launchOn('20.0.0', 'src/main.ts').stderr, /run npm ci, then npm start/);
  const skipped = launchOn('20.0.0', 'src/main.ts', commander, 'node_modules/node/package.json');
  assert.match(skipped.stderr, /--ignore-scripts .* npm rebuild node/);
  const present = launchOn('20.0.0', 'src/main.ts', commander, 'node_modules/node/bin/node');
  assert.match(present.stderr, /use npm start/);
});

test('a checkout runs its sources, an installed package its bundle', () => {
  const files = ['src/main.ts', 'node_modules/commander/package.json', 'dist/outrigger.js'];
  assert.equal(launchOn('26.10.0', ...files).stdout, 'started src/main.ts\n');
  assert.equal(launchOn('26.10.0', 'dist/outrigger.js').stdout, 'started dist/outrigger.js\n');
});

test('missing dependencies are one line, not a stack trace', () => {
  const { code, stderr } = launchOn('26.10.0', 'src/main.ts');
  assert.equal(code, 1);
  assert.equal(stderr, 'outrigger: the dependencies are missing; run npm ci\n');
});
