import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';
import { AdminView, type AdminViewParts } from '../../src/runtime/admin-view.ts';
import { metricsSource } from '../telemetry/command-fixture.ts';

test('a first scrape that fails is told as such, and the next one tries again', async () => {
  let failures = 1;
  const clock = Object.create(systemClock) as typeof systemClock;
  clock.after = (delayMs, callback) => {
    if (failures > 0) {
      failures -= 1;
      throw new Error('nothing to be had');
    }
    return systemClock.after(delayMs, callback);
  };
  const metrics = metricsSource({ clock });
  // Of all that it shows, only this is asked for.
  const view = new AdminView({ commands: metrics.commands, metrics } as AdminViewParts);

  await assert.rejects(view.metrics(''), /nothing to be had/);

  assert.match((await view.metrics('')).text, /^outrigger_build_info\{version="1\.2\.3",/m);
});
