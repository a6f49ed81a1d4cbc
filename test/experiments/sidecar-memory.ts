/** What a sidecar holds, as its own runtime counts it after a collection. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Signal } from '../rig/eventually.ts';
import type { Owner } from '../rig/owner.ts';
import type { SidecarProcess } from '../rig/sidecar-process.ts';

/** Loaded before anything else: on SIGUSR2 it collects and writes what it holds. */
const observer = `
  process.on('SIGUSR2', () => {
    globalThis.gc(); globalThis.gc();
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage();
    console.error(JSON.stringify({ event: 'memory', rss, heapUsed, external, arrayBuffers }));
  });
`;

/** In bytes. */
export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
}

/** What the sidecar's runtime must be told so that {@link memoryOf} gets an answer. */
export const memoryOptions = (owner: Owner): string => {
  const folder = mkdtempSync(join(tmpdir(), 'outrigger-'));
  owner.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'observer.cjs');
  writeFileSync(file, observer);
  return `--expose-gc --require=${file}`;
};

/** Has it collect its garbage, and asks what is left. */
export const memoryOf = async (sidecar: SidecarProcess): Promise<Memory> => {
  const isMemory = ({ event }: Readonly<Record<string, unknown>>): boolean => event === 'memory';
  const before = sidecar.log.filter(isMemory).length;
  sidecar.child.kill('SIGUSR2');
  const looked = new Signal();
  const timer = setInterval(() => looked.raise(), 20);
  try {
    return await looked.until(() => (sidecar.log.filter(isMemory)[before] as Memory | undefined) ?? null);
  } finally {
    clearInterval(timer);
  }
};
