import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { Reloader } from '../../src/runtime/reloader.ts';
import { VirtualClock } from '../rig/virtual-clock.ts';

test('a defect in one reload is told to who asked for it, and the next one is made all the same', async () => {
  const parsed = parseSettings('{}', 'test.yaml', {});
  assert.ok(parsed.ok);
  const loaded = { ...parsed, source: 'test.yaml', path: 'test.yaml', files: new Map() };
  const defect = new Error('a defect');
  let isDefective = true;
  const reloader = new Reloader({
    load: () => loaded,
    obstacle: () => null,
    apply: async () => {
      if (isDefective) throw defect;
      return 'nothing is different';
    },
    bus: { configReloaded() {} },
    clock: new VirtualClock(),
  });
  await assert.rejects(reloader.reload(), defect);
  isDefective = false;

  assert.equal((await reloader.reload()).result, 'succeeded');
  await reloader.settled;
});
