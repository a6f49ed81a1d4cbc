import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Owner } from '../rig/owner.ts';
import { type Manifest, temporaryFolder } from './kubernetes-tools.ts';

const packages = join(import.meta.dirname, '../../node_modules');

/** The module of `kubernetes-types` that has the kinds of this version, such as `apps/v1` or `v1`. */
const moduleOf = (apiVersion: string): string =>
  `kubernetes-types/${apiVersion.includes('/') ? apiVersion : `core/${apiVersion}`}.js`;

const options = {
  noEmit: true,
  strict: true,
  module: 'nodenext',
  target: 'es2024',
  types: [],
  skipLibCheck: true,
  paths: { 'kubernetes-types/*': [join(packages, 'kubernetes-types/*')] },
};

/**
 * What the compiler has against these objects as literals of their types, one line each. It knows what schemas do not
 * say: which fields there are.
 */
export const typeBreaches = (owner: Owner, manifests: readonly Manifest[]): string[] => {
  const folder = temporaryFolder(owner);
  const lines = manifests.map((manifest, index) => {
    const type = `import('${moduleOf(manifest.apiVersion)}').${manifest.kind}`;
    return `export const m${index}: ${type} = ${JSON.stringify(manifest)};`;
  });
  writeFileSync(join(folder, 'manifests.ts'), `${lines.join('\n')}\n`);
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['manifests.ts'] }),
  );
  const compiler = join(packages, 'typescript/bin/tsc');
  const { stdout, status } = spawnSync(process.execPath, [compiler, '-p', folder], { encoding: 'utf8' });
  const complaints = stdout.split('\n').filter((line) => line.includes('error TS'));
  if (status !== 0 && complaints.length === 0) throw new Error(stdout);
  return complaints;
};
