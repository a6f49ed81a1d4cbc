import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSettings } from '../../src/config/parse-settings.ts';
import { startApp } from '../../src/runtime/app.ts';

const warnings = async (address: string): Promise<string[]> => {
  const config = { egress: { address }, admin: { address: '127.0.0.1:0' } };
  const parsed = parseSettings(JSON.stringify(config), 'test.json', {});
  assert.ok(parsed.ok);
  const lines: string[] = [];
  const app = await startApp(parsed.settings, { logLine: (line) => lines.push(line) });
  await app.close();
  return lines.filter((line) => line.includes('listener.open_to_others'));
};

test('a proxy port that others can reach is warned of when it opens', async () => {
  assert.equal((await warnings('0.0.0.0:0')).length, 1);
});

test('one on loopback is not', async () => {
  assert.equal((await warnings('127.0.0.1:0')).length, 0);
});
