import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rigCore } from './peer-kinds.ts';
import { PinnedProcess } from './pinned-process.ts';

/** Starts a program of this folder on the rig's core. */
export function startProgram(file: string, ...args: string[]): PinnedProcess {
  const path = fileURLToPath(new URL(file, import.meta.url));
  return new PinnedProcess({ core: rigCore, command: [process.execPath, path, ...args], hasIpc: true });
}

/** A folder for what the peers are configured with and write; it goes when the process does. */
export function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-bench-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
