import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { type LoadedSettings, loadSettings } from '../../src/config/load-settings.ts';

const folder = mkdtempSync(join(tmpdir(), 'outrigger-load-'));
after(() => rmSync(folder, { recursive: true }));

const file = join(folder, 'a.yaml');
writeFileSync(
  file,
  'egress: { address: 127.0.0.1:1001 }\nadmin: { address: 127.0.0.1:2001 }\nlog: { level: warn }\n',
);

const portsOf = (loaded: LoadedSettings): readonly [egress: number, admin: number, level: string] => {
  assert.ok(loaded.ok);
  const { egress, admin, log } = loaded.settings;
  return [egress.address.port, admin.address.port, log.level];
};

test('without a file, every destination is allowed on the default ports', () => {
  const loaded = loadSettings({ env: {} });
  assert.deepEqual(portsOf(loaded), [7400, 7401, 'info']);
  assert.ok(loaded.ok);
  assert.equal(loaded.settings.egress.unlisted, 'allow');
  assert.equal(loaded.source, 'embedded default');
});

test('the file goes before the defaults', () => {
  assert.deepEqual(portsOf(loadSettings({ file, env: {} })), [1001, 2001, 'warn']);
});

test('the environment names the file, and a flag another one', () => {
  assert.deepEqual(portsOf(loadSettings({ env: { OUTRIGGER_CONFIG: file } })), [1001, 2001, 'warn']);
  assert.ok(loadSettings({ file, env: { OUTRIGGER_CONFIG: join(folder, 'missing') } }).ok);
});

test('the environment goes before the file, and flags before the environment', () => {
  const env = {
    OUTRIGGER_EGRESS: '127.0.0.1:1002',
    OUTRIGGER_ADMIN: '127.0.0.1:2002',
    OUTRIGGER_LOG_LEVEL: 'error',
  };
  assert.deepEqual(portsOf(loadSettings({ file, env })), [1002, 2002, 'error']);
  const overrides = { egress: '127.0.0.1:1003', admin: '127.0.0.1:2003', logLevel: 'fatal' };
  assert.deepEqual(portsOf(loadSettings({ file, env, overrides })), [1003, 2003, 'fatal']);
});

test('an empty variable is one that is not set', () => {
  const env = { OUTRIGGER_CONFIG: '', OUTRIGGER_EGRESS: '', OUTRIGGER_ADMIN: '', OUTRIGGER_LOG_LEVEL: '' };
  assert.deepEqual(portsOf(loadSettings({ env })), [7400, 7401, 'info']);
});

test('a bad flag or variable is reported by its name', () => {
  const env = { OUTRIGGER_ADMIN: '0.0.0.0:1', OUTRIGGER_LOG_LEVEL: 'loud' };
  const loaded = loadSettings({ file, env, overrides: { egress: 'x', logFormat: 'xml' } });
  assert.ok(!loaded.ok);
  assert.deepEqual(
    loaded.problems.map((problem) => problem.file),
    ['--egress', '--log-format', 'OUTRIGGER_ADMIN', 'OUTRIGGER_LOG_LEVEL'],
  );
});

test('a flag is no way round the rules: an admin address for all needs a token', () => {
  assert.ok(!loadSettings({ env: {}, overrides: { admin: '0.0.0.0:7401' } }).ok);
});

test('a flag is of no use to a file that is not a mapping', () => {
  const list = join(folder, 'list.yaml');
  writeFileSync(list, '- a\n');
  const scalars = join(folder, 'scalars.yaml');
  writeFileSync(scalars, 'egress: 1\nlog: []\nadmin: 3\n');
  for (const bad of [list, scalars]) {
    const overrides = { egress: '127.0.0.1:0', admin: '127.0.0.1:0', logLevel: 'info' };
    assert.ok(!loadSettings({ file: bad, env: {}, overrides }).ok);
  }
});

test('a preset stands in for the default alone: whatever was written goes before it', () => {
  const presets = { egress: '127.0.0.1:4001', admin: '127.0.0.1:4002', logLevel: 'error', logAccess: 'off' };
  assert.deepEqual(portsOf(loadSettings({ env: {}, presets })), [4001, 4002, 'error']);
  assert.deepEqual(portsOf(loadSettings({ file, env: {}, presets })), [1001, 2001, 'warn']);
  const env = { OUTRIGGER_EGRESS: '127.0.0.1:3001' };
  const loaded = loadSettings({ env, overrides: { admin: '127.0.0.1:3002' }, presets });
  assert.deepEqual(portsOf(loaded), [3001, 3002, 'error']);
  assert.ok(loaded.ok);
  assert.equal(loaded.settings.log.access, 'off');
});
