import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const inRepository = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Runs one of the scripts that the build is made of. */
function build(script: string, folder: string): void {
  const { status, stderr } = spawnSync(process.execPath, [inRepository(script), folder], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the bundle could not be made:\n${stderr}`);
}

/** The bundle without its code cache, made anew from what stands in the tree; it goes with this process. */
export function bundledProgram(): string {
  const directory = mkdtempSync(join(tmpdir(), 'outrigger-bundle-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  build('deploy/bundle.ts', directory);
  return join(directory, 'outrigger.js');
}

let shipped: readonly string[] | null = null;

/**
 * What runs Outrigger as the image does: with its code cache, and with the settings for Node and for glibc that the
 * Dockerfile names. Arguments of its own come after it.
 */
export function shippedCommand(): readonly string[] {
  if (shipped !== null) return shipped;
  const program = bundledProgram();
  build('deploy/start/code-cache.ts', join(program, '..'));
  const dockerfile = readFileSync(inRepository('Dockerfile'), 'utf8');
  const entryPoint: unknown = JSON.parse(/^ENTRYPOINT (\[.*\])$/m.exec(dockerfile)?.[1] ?? '[]');
  const malloc = /^ENV (MALLOC_\S+)$/m.exec(dockerfile)?.[1];
  if (!Array.isArray(entryPoint) || malloc === undefined) throw new Error('the Dockerfile is not as it was');
  const flags = entryPoint.filter((word) => typeof word === 'string' && word.startsWith('--'));
  shipped = ['env', malloc, process.execPath, ...flags, program];
  return shipped;
}
