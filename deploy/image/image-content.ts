import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A number of bytes in words. */
export const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** A file of an image, by its path in there. */
export interface File {
  readonly path: string;
  readonly bytes: number;
  readonly mode: number;
  readonly uid: number;
}

/** All files under a folder. */
export const filesIn = (folder: string): File[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { size, mode, uid } = statSync(path);
      return { path: path.slice(folder.length), bytes: size, mode, uid };
    });

/** What is in an image, in words: nothing to run but Node and its libraries, nothing that is not root's. */
export const lookInside = (root: string, archive: string): string[] => {
  const files = filesIn(root);
  const executable = files.filter(({ mode }) => (mode & 0o111) !== 0).map(({ path }) => path);
  for (const path of executable) assert.match(path, /^\/outrigger\/(node|lib\/[^/]+\.so[.\d]*)$/);
  for (const { path, mode, uid } of files) {
    assert.equal(uid, 0, `${path} is root's`);
    assert.equal(mode & 0o6022, 0, `${path} is nobody's to write, and gives nobody rights`);
  }
  for (const { path } of files) assert.ok(!/npmrc|\.ts$|node_modules/.test(path), path);
  const sum = (some: readonly File[]): number => some.reduce((total, { bytes }) => total + bytes, 0);
  const base = files.filter(({ path }) => /^\/outrigger\/(node|lib\/.*)$/.test(path));
  const gzip = execFileSync('gzip', ['-c', archive], { maxBuffer: 2 ** 30 }).length;
  return [
    `the archive: ${mib(statSync(archive).size)}; as gzip: ${mib(gzip)}`,
    `in it: ${mib(sum(base))} Node and its libraries, ${mib(sum(files) - sum(base))} of ours`,
  ];
};

/** Every registry and certificate that the build was given, if any of it stayed, would be in the archive's bytes. */
export const lookForSecrets = (root: string, archive: string): void => {
  const registry = execFileSync('npm', ['config', 'get', 'registry'], { encoding: 'utf8' }).trim();
  const host = new URL(registry).host;
  const found = spawnSync('tar', ['-xOf', archive, '--wildcards', '*.json']).stdout.toString();
  assert.ok(!found.includes(host) && !found.includes('npmrc'), 'the history names no registry and no secret');
  // What others wrote may name the registry of npm.
  const foreign = /\/(node|(outrigger|program|undici)\.js|program\.cache)$/;
  for (const { path } of filesIn(root).filter((file) => !foreign.test(file.path)))
    assert.equal(spawnSync('grep', ['-qF', host, join(root, path)]).status, 1, `${path} names no registry`);
};
