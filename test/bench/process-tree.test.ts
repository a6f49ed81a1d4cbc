import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { reapedNs } from './process-tree.ts';

test('what a child used that has ended still counts for the tree that it belonged to', () => {
  const before = reapedNs(process.pid);

  spawnSync(process.execPath, ['-e', 'while (process.cpuUsage().user < 150_000);']);

  // Kept in hundredths of a second.
  assert.ok(reapedNs(process.pid) - before >= 140e6);
});
