import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

let built: string | null = null;

/** Outrigger as it is shipped, one file, made anew from what stands in the tree; it goes with this process. */
export function bundledProgram(): string {
  if (built !== null) return built;
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-bundle-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  const script = fileURLToPath(new URL('../../deploy/bundle.ts', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [script, directory], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the bundle could not be made:\n${stderr}`);
  built = join(directory, 'outrigger.js');
  return built;
}
