import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { loadSettings } from '../../src/config/load-settings.ts';
import { startApp } from '../../src/runtime/app.ts';
import { Signal } from '../rig/eventually.ts';
import type { ConfigText } from '../rig/sidecar.ts';

const textOf = (fallback: ConfigText): string =>
  JSON.stringify({
    admin: { address: '127.0.0.1:0' },
    egress: { address: '127.0.0.1:0' },
    upstreams: { u: { fallback: { on: ['timeout'], ...fallback } } },
  });

/** A sidecar whose configuration is a file; `meanwhile` happens after the file was read and before it runs. */
const setUp = async (t: TestContext, text: string, meanwhile: (path: string) => void = () => {}) => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-reload-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'outrigger.yaml');
  writeFileSync(path, text);
  const load = () => loadSettings({ file: path, env: {} });
  const loaded = load();
  assert.ok(loaded.ok);
  meanwhile(path);
  const told: string[] = [];
  const changed = new Signal();
  const app = await startApp(loaded.settings, {
    file: { path, files: loaded.files, load },
    logLine: (line) => {
      const { event, why } = JSON.parse(line) as { readonly event: string; readonly why: string };
      if (event === 'config.reloaded') told.push(why);
      changed.raise();
    },
  });
  t.after(() => app.close());
  /** What came of the reload of this index (0: the first). */
  const reloaded = (index: number): Promise<string> => changed.until(() => told[index] ?? null);
  return { path, body: join(folder, 'body.json'), app, reloaded };
};

test('a file that changes while the process starts is taken over', async (t) => {
  const { reloaded } = await setUp(t, textOf({ body: 'before' }), (path) =>
    writeFileSync(path, textOf({ body: 'after' })),
  );
  assert.equal(await reloaded(0), 'upstreams changed: u');
});

test('a body file that a reload has brought is watched from the moment at which it was read', async (t) => {
  const { path, body, app, reloaded } = await setUp(t, textOf({}));
  writeFileSync(body, 'one');
  writeFileSync(path, textOf({ bodyFile: 'body.json' }));
  await app.reload();

  writeFileSync(body, 'two');

  assert.equal(await reloaded(1), 'upstreams changed: u');
});

test('a body file that was missing when its configuration was read is taken over when it comes', async (t) => {
  const { path, body, reloaded } = await setUp(t, textOf({}));
  writeFileSync(path, textOf({ bodyFile: 'body.json' }));
  assert.match(await reloaded(0), /body\.json: there is no such file/);

  writeFileSync(body, 'here');

  assert.equal(await reloaded(1), 'upstreams changed: u');
});
